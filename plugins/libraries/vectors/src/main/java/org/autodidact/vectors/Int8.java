package org.autodidact.vectors;

/**
 * Constants of symmetric quantization to 8 bits: x is stored as round(x / s), with a scale s of max
 * |x| / 127. Needs no Vector API.
 */
public final class Int8 {
  /** The largest quantized value; the smallest is its negative. */
  public static final int MAX = 127;

  /** What unsigned bytes store for 0. */
  public static final int ZERO_POINT = 128;

  /** Least max |x| that is divided by, so that rows of zeros have a scale. */
  public static final float MIN_RANGE = 1e-12f;

  /**
   * 1.5 · 2²³. Added to a number below 2²² in magnitude, leaves it rounded to the nearest integer
   * in the lowest bits.
   */
  public static final float ROUND_TO_INTEGER = 12582912f;

  private Int8() {}
}
