package org.autodidact.pytorch.program;

import ai.djl.Device;
import ai.djl.engine.StandardCapabilities;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.UnsupportedModelException;

/**
 * The device on which training computes.
 *
 * @param device libtorch's device
 * @param plain whether the script uses only operations that every device has, instead of oneDNN's
 *     matrix products and libtorch's fused attention of CPUs
 */
public record TrainingDevice(Device device, boolean plain) {
  public static final TrainingDevice CPU = new TrainingDevice(Device.cpu(), false);

  /** The CPU, or the GPU where one is there or is asked for. */
  public static TrainingDevice of(ComputeSettings.Device wanted) {
    if (wanted == ComputeSettings.Device.CPU) {
      return CPU;
    }
    if (hasCuda()) {
      return new TrainingDevice(Device.gpu(), true);
    }
    if (wanted == ComputeSettings.Device.AUTO) {
      return CPU;
    }
    throw new UnsupportedModelException(
        "training on a GPU was asked for, and this libtorch "
            + TorchRuntime.engine().getVersion()
            + " sees none: it needs an NVIDIA GPU with its driver, and ai.djl.pytorch:"
            + "pytorch-native-cu128 of the same version first on the class path; or set the"
            + " device cpu or auto");
  }

  public static boolean hasCuda() {
    return TorchRuntime.engine().hasCapability(StandardCapabilities.CUDA);
  }
}
