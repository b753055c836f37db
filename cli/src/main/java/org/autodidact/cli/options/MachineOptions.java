package org.autodidact.cli.options;

import org.autodidact.api.ComputeSettings;
import org.autodidact.engine.text.EnumNames;
import picocli.CommandLine.Option;

/** The threads and the device that a command computes with. */
public final class MachineOptions {
  @Option(
      names = "--threads",
      defaultValue = "0",
      paramLabel = "n",
      description = "threads for computing, at most the cores; 0: all cores (default)")
  private int threads;

  @Option(
      names = "--device",
      defaultValue = "auto",
      paramLabel = "D",
      description =
          "where to compute: cpu; cuda; tensorrt, which no machine has measured yet; auto: cuda"
              + " where it starts, else cpu (default). 'doctor' says what there is")
  private String device;

  public ComputeSettings settings(String precision, int memory) {
    return new ComputeSettings(
        EnumNames.oneOf("--precision", ComputeSettings.Precision.class, precision),
        threads,
        memory,
        EnumNames.oneOf("--device", ComputeSettings.Device.class, device));
  }
}
