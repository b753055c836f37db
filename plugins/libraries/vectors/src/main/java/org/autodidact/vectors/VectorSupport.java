package org.autodidact.vectors;

import jdk.incubator.vector.FloatVector;

/** Whether this package can be used here. */
public final class VectorSupport {
  /** Widths are taken in multiples of this. */
  public static final int BLOCK = 16;

  private VectorSupport() {}

  /** Whether the JVM has the Vector API, and the processor vectors of 256 bits at least. */
  public static boolean available() {
    return ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent()
        && FloatVector.SPECIES_PREFERRED.length() >= 8;
  }
}
