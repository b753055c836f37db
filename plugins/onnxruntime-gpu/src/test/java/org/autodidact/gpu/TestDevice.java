package org.autodidact.gpu;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import org.autodidact.api.ComputeSettings;
import org.autodidact.gpu.graph.Operators;
import org.autodidact.gpu.memory.CudaDevice;
import org.autodidact.gpu.memory.CudaRuntime;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.memory.HostDevice;
import org.autodidact.gpu.ort.ElementType;

/** Where the graphs are tested: the CPU, or what {@code autodidact.provider} says. */
final class TestDevice {
  private TestDevice() {}

  static ComputeSettings.Device device() {
    String provider = System.getProperty("autodidact.provider", "cpu");
    return ComputeSettings.Device.valueOf(provider.toUpperCase(Locale.ROOT));
  }

  static boolean isCpu() {
    return device() == ComputeSettings.Device.CPU;
  }

  static Device open() {
    return isCpu()
        ? new HostDevice(2)
        : new CudaDevice(
            CudaRuntime.load(Optional.empty()), device() == ComputeSettings.Device.TENSORRT);
  }

  /** The operators that graphs have there; on the CPU all are tested. */
  static List<Operators> operators() {
    return switch (device()) {
      case CPU, AUTO -> List.of(Operators.values());
      case CUDA -> List.of(Operators.FUSED);
      case TENSORRT -> List.of(Operators.PLAIN);
    };
  }

  /** On a GPU attention has 16 bits alone. */
  static ElementType type() {
    return isCpu() ? ElementType.FLOAT : ElementType.BFLOAT16;
  }
}
