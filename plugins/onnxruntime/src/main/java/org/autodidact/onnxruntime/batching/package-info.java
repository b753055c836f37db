/**
 * Continuous batching: the admission queue, slots, template prefixes, sampling, ends of candidates.
 */
package org.autodidact.onnxruntime.batching;
