/** ONNX Runtime itself: environment, sessions, graph builder, native buffers. */
package org.autodidact.onnxruntime.ort;
