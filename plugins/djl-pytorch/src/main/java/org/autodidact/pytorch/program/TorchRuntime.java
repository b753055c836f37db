package org.autodidact.pytorch.program;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import org.autodidact.checkpoints.natives.DjlNatives;

/**
 * libtorch's process-wide settings while a training runs: thread count, gradient mode, graph
 * executor. They belong to the host application and are restored by {@link #close()}, which the
 * thread that opened this calls, as some are per thread. Only the seed of libtorch's generator
 * stays changed.
 */
public final class TorchRuntime implements AutoCloseable {
  /** Loads libtorch when it is first asked for. */
  private static final class Loaded {
    static final Engine ENGINE =
        DjlNatives.load(
            "pytorch",
            JniUtils.class.getClassLoader(),
            "native/lib/pytorch.properties",
            () -> Engine.getEngine("PyTorch"));
  }

  private static int runningTrainings;
  private static int threadsOfHost;

  private final boolean gradients;

  /**
   * Sets what a training needs.
   *
   * @param threads threads of one operation
   */
  public TorchRuntime(int threads) {
    synchronized (TorchRuntime.class) {
      if (runningTrainings++ == 0) {
        threadsOfHost = JniUtils.getNumThreads();
      }
    }
    gradients = JniUtils.isGradMode();
    JniUtils.setGradMode(false);
    // The optimizing executor rewrites a program after its first passes, which changes the last
    // bits of results; a resumed training has to repeat them.
    JniUtils.setGraphExecutorOptimize(false);
    JniUtils.setNumThreads(threads);
  }

  /** Loads libtorch on the first call; nothing is downloaded, its natives are on the class path. */
  public static Engine engine() {
    return Loaded.ENGINE;
  }

  @Override
  public void close() {
    // libtorch's default; the value before cannot be queried.
    JniUtils.setGraphExecutorOptimize(true);
    JniUtils.setGradMode(gradients);
    synchronized (TorchRuntime.class) {
      runningTrainings--;
      JniUtils.setNumThreads(threadsOfHost);
    }
  }
}
