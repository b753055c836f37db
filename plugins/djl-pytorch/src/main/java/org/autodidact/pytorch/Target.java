package org.autodidact.pytorch;

import ai.djl.Device;
import ai.djl.engine.StandardCapabilities;
import org.autodidact.api.ComputeSettings.Provider;
import org.autodidact.api.UnsupportedModelException;

/**
 * Where training computes.
 *
 * @param device libtorch's
 * @param plain whether the program is of operations that every device has, instead of oneDNN's
 *     products and the attention of CPUs
 */
record Target(Device device, boolean plain) {
  static final Target CPU = new Target(Device.cpu(), false);

  /** The GPU where it is asked for, or where it is there and nothing is asked for. */
  static Target of(Provider provider) {
    if (provider == Provider.CPU) {
      return CPU;
    }
    if (hasCuda()) {
      return new Target(Device.gpu(), true);
    }
    if (provider == Provider.AUTO) {
      return CPU;
    }
    throw new UnsupportedModelException(
        "training on a GPU was asked for, and this libtorch "
            + Torch.engine().getVersion()
            + " sees none: it needs an NVIDIA GPU with its driver, and ai.djl.pytorch:"
            + "pytorch-native-cu128 of the same version first on the class path; or set the"
            + " provider cpu or auto");
  }

  static boolean hasCuda() {
    return Torch.engine().hasCapability(StandardCapabilities.CUDA);
  }

  boolean isCpu() {
    return !device.isGpu();
  }
}
