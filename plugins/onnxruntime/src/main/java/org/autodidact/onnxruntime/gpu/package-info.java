/** The generator and the scorer on execution providers of GPUs, and their graphs. */
package org.autodidact.onnxruntime.gpu;
