/** The back end of whole decoder graphs in ONNX Runtime on a CPU, in float32 and int8. */
package org.autodidact.onnxruntime.graph;
