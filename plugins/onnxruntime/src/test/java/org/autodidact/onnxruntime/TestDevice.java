package org.autodidact.onnxruntime;

import java.nio.file.Path;
import java.util.Locale;
import org.autodidact.api.ComputeSettings.Device;
import org.autodidact.onnxruntime.gpu.GpuSessions;
import org.autodidact.onnxruntime.gpu.TensorRtCache;

/**
 * Where the tests of the graphs for GPUs run: the CPU, or what {@code autodidact.provider} says.
 */
public final class TestDevice {
  private TestDevice() {}

  public static Device provider() {
    String provider = System.getProperty("autodidact.provider", "cpu");
    return Device.valueOf(provider.toUpperCase(Locale.ROOT));
  }

  /** With its engines in a folder. */
  public static GpuSessions in(Path engines) {
    return new GpuSessions(provider(), new TensorRtCache(engines, "test"));
  }
}
