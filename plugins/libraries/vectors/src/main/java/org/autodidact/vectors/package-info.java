/**
 * SIMD kernels of a decoder between its matrix products, by the JDK's Vector API: attention over an
 * int8 KV cache, RMSNorm, RoPE, Hadamard rotations, gates and quantization to int8.
 *
 * <p>The JVM must be started with {@code --add-modules jdk.incubator.vector} ({@link
 * org.autodidact.vectors.VectorSupport#available()}). Every result depends on its own row alone, to
 * the last bit, whatever else is computed and whether the code was compiled yet: no sum's order is
 * left to the processor, and exponentials are polynomials of our own.
 */
package org.autodidact.vectors;
