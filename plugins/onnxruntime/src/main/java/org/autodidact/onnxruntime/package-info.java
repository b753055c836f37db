/**
 * Generator and Scorer: decoder graphs built in Java over the checkpoint's own weights, run by ONNX
 * Runtime. Packages, each using those below it only:
 *
 * <ul>
 *   <li>{@code cpu}, {@code gpu}: generator and scorer of a device, choice of backend
 *   <li>{@code batching}: continuous batching, admission, sampling, scored sequences
 *   <li>{@code graph}: backend of whole ONNX graphs; {@code vector}: int8 backend of SIMD kernels
 *   <li>{@code quantization}: int8 weights, GPTQ, Hadamard rotation, calibration
 *   <li>{@code backend}: interfaces of a backend, its sessions and KV caches; memory budget
 *   <li>{@code ort}: ONNX Runtime's library, sessions, tensors, graph builder
 * </ul>
 */
package org.autodidact.onnxruntime;
