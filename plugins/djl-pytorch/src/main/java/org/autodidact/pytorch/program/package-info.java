/**
 * The training program in libtorch: TorchScript of the decoder forward and backward, weights,
 * optimizer, LoRA adapter.
 */
package org.autodidact.pytorch.program;
