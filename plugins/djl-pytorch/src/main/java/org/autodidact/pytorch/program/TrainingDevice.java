package org.autodidact.pytorch.program;

import ai.djl.Device;
import ai.djl.engine.StandardCapabilities;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.UnsupportedModelException;

/**
 * The device on which training computes.
 *
 * @param device libtorch's device
 */
public record TrainingDevice(Device device, Kernels kernels) {
  public static final TrainingDevice CPU = new TrainingDevice(Device.cpu(), Kernels.CPU);

  /** Which operations the script takes. */
  public enum Kernels {
    /** oneDNN's products and libtorch's fused attention of CPUs. */
    CPU,
    /** A GPU's program by operations that every device has. */
    STANDARD,
    /** A GPU's program with CUDA's fused attention. */
    CUDA
  }

  /** The CPU, or the GPU where one is there or is asked for. */
  public static TrainingDevice of(ComputeSettings.Device wanted) {
    if (wanted == ComputeSettings.Device.CPU) {
      return CPU;
    }
    if (hasCuda()) {
      return new TrainingDevice(Device.gpu(), Kernels.CUDA);
    }
    if (wanted == ComputeSettings.Device.AUTO) {
      return CPU;
    }
    throw new UnsupportedModelException(
        "training on a GPU was asked for, and this libtorch "
            + TorchRuntime.engine().getVersion()
            + " sees none: it needs an NVIDIA GPU with its driver, and PYTORCH_LIBRARY_PATH and"
            + " PYTORCH_FLAVOR must name a libtorch with CUDA of the same version (docs/gpu.md); or"
            + " set the device cpu or auto");
  }

  public static boolean hasCuda() {
    return TorchRuntime.engine().hasCapability(StandardCapabilities.CUDA);
  }

  /**
   * Has libtorch open the device and its library of products, which takes a second or more on a
   * GPU: of use while the weights are still being looked at.
   */
  public void warmUp() {
    try (NDManager manager = TorchRuntime.engine().newBaseManager(device)) {
      NDArray ones = manager.ones(new Shape(16, 16));
      ones.matMul(ones).toFloatArray();
    }
  }
}
