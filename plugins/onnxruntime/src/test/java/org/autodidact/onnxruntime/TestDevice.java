package org.autodidact.onnxruntime;

import java.nio.file.Path;
import java.util.Locale;
import org.autodidact.api.ComputeSettings.Provider;

/**
 * Where the tests of the graphs for GPUs run: the CPU, or what {@code autodidact.provider} says.
 */
final class TestDevice {
  private TestDevice() {}

  static Provider provider() {
    String provider = System.getProperty("autodidact.provider", "cpu");
    return Provider.valueOf(provider.toUpperCase(Locale.ROOT));
  }

  /** With its engines in a folder. */
  static Device in(Path engines) {
    return new Device(provider(), new EngineCache(engines, "test"));
  }
}
