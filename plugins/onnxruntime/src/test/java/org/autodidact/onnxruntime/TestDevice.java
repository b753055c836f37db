package org.autodidact.onnxruntime;

import java.nio.file.Path;
import java.util.Locale;
import org.autodidact.api.ComputeSettings.Provider;

/**
 * Where the tests of the graphs for GPUs run: the CPU, or what {@code autodidact.provider} says.
 */
final class TestDevice {
  private TestDevice() {}

  /** With its engines in a folder. */
  static Device in(Path engines) {
    String provider = System.getProperty("autodidact.provider", "cpu");
    return new Device(
        Provider.valueOf(provider.toUpperCase(Locale.ROOT)), new EngineCache(engines, "test"));
  }
}
