/**
 * Generator and Scorer: decoder graphs built in Java over the checkpoint's own weights, run by ONNX
 * Runtime.
 */
package org.autodidact.onnxruntime;
