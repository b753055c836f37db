package org.autodidact.cli;

import org.autodidact.api.ComputeSettings;
import org.autodidact.engine.config.Names;
import picocli.CommandLine.Option;

/** What a command may use of the machine. */
final class MachineOptions {
  @Option(
      names = "--threads",
      defaultValue = "0",
      paramLabel = "n",
      description = "threads for computing, at most the cores; 0: all cores (default)")
  private int threads;

  @Option(
      names = "--provider",
      defaultValue = "auto",
      paramLabel = "P",
      description =
          "where to compute: cpu; cuda; tensorrt, which no machine has measured yet; auto: cuda"
              + " where it starts, else cpu (default). 'doctor' says what there is")
  private String provider;

  ComputeSettings settings(String precision, int memory) {
    return new ComputeSettings(
        Names.oneOf("--precision", ComputeSettings.Precision.class, precision),
        threads,
        memory,
        Names.oneOf("--provider", ComputeSettings.Provider.class, provider));
  }
}
