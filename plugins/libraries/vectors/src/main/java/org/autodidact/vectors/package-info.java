/**
 * What a decoder computes between its products, by the JDK's Vector API: attention over keys and
 * values of 8 bits, norms, rotary positions, Hadamard rotations, gates and the rounding to 8 bits.
 *
 * <p>The JVM must be started with {@code --add-modules jdk.incubator.vector} ({@link
 * org.autodidact.vectors.VectorSupport#available()}). Every result depends on its own row alone, to
 * the last bit, whatever else is computed and whether the code was compiled yet: no sum is left to
 * the order that a processor likes, and exponentials are polynomials of our own.
 */
package org.autodidact.vectors;
