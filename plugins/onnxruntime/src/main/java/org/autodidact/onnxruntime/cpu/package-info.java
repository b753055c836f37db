/** The generator and the scorer on a CPU, and the choice of back end and precision. */
package org.autodidact.onnxruntime.cpu;
