package org.autodidact.vectors;

import jdk.incubator.vector.FloatVector;

/** Whether the Vector API can be used here. */
public final class VectorSupport {
  /** Widths are multiples of this: the floats of the longest SIMD vector. */
  public static final int SIMD_BLOCK = 16;

  private static final boolean AVAILABLE =
      ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent() && Lanes.areLong();

  private VectorSupport() {}

  /** Not loaded where the module is not there. */
  private static final class Lanes {
    static boolean areLong() {
      return FloatVector.SPECIES_PREFERRED.length() >= 8;
    }
  }

  /** Whether the JVM has the Vector API, and the processor vectors of at least 256 bits. */
  public static boolean available() {
    return AVAILABLE;
  }

  /** Floats of this processor's SIMD vectors; sums over rows depend on it. */
  public static int lanes() {
    return SimdLanes.LENGTH;
  }
}
