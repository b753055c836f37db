/** ONNX Runtime's C interface, by the JDK's foreign functions. */
package org.autodidact.gpu.ort;
