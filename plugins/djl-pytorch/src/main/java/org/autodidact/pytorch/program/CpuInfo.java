package org.autodidact.pytorch.program;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** What the kernel says of the processor; nothing where it is not Linux. */
public final class CpuInfo {
  private static final String TEXT = read();

  private CpuInfo() {}

  /** Whether it multiplies bf16, or does not say. */
  public static boolean hasBf16() {
    return TEXT.isEmpty() || TEXT.contains("avx512_bf16") || TEXT.contains("amx_bf16");
  }

  /** Whether it is one that MKL is made for. */
  static boolean isIntel() {
    return TEXT.contains("GenuineIntel");
  }

  private static String read() {
    try {
      return Files.readString(Path.of("/proc/cpuinfo"));
    } catch (IOException e) {
      return "";
    }
  }
}
