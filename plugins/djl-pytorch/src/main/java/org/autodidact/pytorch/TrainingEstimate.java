package org.autodidact.pytorch;

import ai.djl.Device;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelSize;
import org.autodidact.checkpoints.files.AvailableMemory;
import org.autodidact.pytorch.program.TorchRuntime;

/**
 * What a training by DPO will take on this CPU, from the model's hyperparameters and the speed of a
 * few matrix products; how far off it was is in docs/measurements.
 */
final class TrainingEstimate {
  private static final int ROWS = 512;
  private static final int WIDTH = 2048;
  private static final int REPETITIONS = 5;

  /** JVM, heap and libtorch (fitted to SmolLM2, all parameters and LoRA). */
  private static final double BASE_GB = 0.45;

  /**
   * Bytes of activations for each number of the residual stream of a pass of 1,024 tokens, with the
   * activation checkpointing that is the default (fitted to the same).
   */
  private static final double ACTIVATION_BYTES = 20;

  private static final int PASS_TOKENS = 1024;

  private TrainingEstimate() {}

  static List<String> lines(ModelConfig config) {
    ModelSize size = ModelSize.of(config);
    double speed = productsPerSecond();
    double rest =
        BASE_GB + ACTIVATION_BYTES * PASS_TOKENS * config.layers() * config.hiddenSize() / 1e9;
    double weights = Float.BYTES * size.parameters() / 1e9;
    double eightBits = (size.multiplied() + Float.BYTES * size.embedding()) / 1e9;
    double seconds = 1000 * size.multiplied() / speed;
    // Forward, reference and, for each weight, backward twice: for its inputs and for itself. With
    // an adapter weights have no gradient of their own.
    return List.of(
        line("all parameters with AdamW", 4 * weights + rest, 4 * seconds),
        line("LoRA", weights + rest, 3 * seconds),
        line("LoRA on an 8-bit base", eightBits + rest, 3 * seconds));
  }

  private static String line(String what, double gigabytes, double seconds) {
    return String.format(
        Locale.ROOT,
        "estimate of training %s in float32 by DPO: %.1f GB of memory%s; %.1f s for 1,000 tokens",
        what,
        gigabytes,
        AvailableMemory.verdict(gigabytes),
        seconds);
  }

  /** Multiplications a second, in float32; the median of a few products. */
  private static double productsPerSecond() {
    double[] seconds = new double[REPETITIONS];
    try (NDManager manager = TorchRuntime.engine().newBaseManager(Device.cpu())) {
      NDArray x = manager.ones(new Shape(ROWS, WIDTH));
      NDArray w = manager.ones(new Shape(WIDTH, WIDTH));
      for (int i = 0; i < REPETITIONS; i++) {
        long start = System.nanoTime();
        try (NDArray y = x.matMul(w)) {
          y.getFloat(0, 0);
        }
        seconds[i] = (System.nanoTime() - start) / 1e9;
      }
    }
    Arrays.sort(seconds);
    return (double) ROWS * WIDTH * WIDTH / seconds[REPETITIONS / 2];
  }
}
