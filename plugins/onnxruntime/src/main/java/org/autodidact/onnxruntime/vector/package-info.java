/**
 * The back end whose int8 matrix products are ONNX Runtime's and whose rest is the JVM's Vector
 * API.
 */
package org.autodidact.onnxruntime.vector;
