/** The graphs of a decoder that a GPU runs: a decoding step of many slots, and a prefill. */
package org.autodidact.gpu.graph;
