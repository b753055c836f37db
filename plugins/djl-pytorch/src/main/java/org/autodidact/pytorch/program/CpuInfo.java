package org.autodidact.pytorch.program;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** Instruction sets and vendor of the processor, as Linux lists them; empty elsewhere. */
public final class CpuInfo {
  private static final String TEXT = read();

  private CpuInfo() {}

  /** Whether it has instructions for bf16; true where that is unknown. */
  public static boolean hasBf16() {
    return TEXT.isEmpty() || TEXT.contains("avx512_bf16") || TEXT.contains("amx_bf16");
  }

  /** Whether it is Intel's, for which MKL uses AVX-512. */
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
