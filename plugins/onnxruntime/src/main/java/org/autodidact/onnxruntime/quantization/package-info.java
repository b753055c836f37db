/** Quantization of weights to 8 bits: Hadamard rotation, GPTQ rounding, calibration. */
package org.autodidact.onnxruntime.quantization;
