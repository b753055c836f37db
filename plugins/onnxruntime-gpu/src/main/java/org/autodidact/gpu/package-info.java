/** The plugin with the generator {@code onnxruntime-gpu}. */
package org.autodidact.gpu;
