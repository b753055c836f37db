package org.autodidact.pytorch.program;

import ai.djl.engine.Engine;
import ai.djl.pytorch.jni.JniUtils;
import org.autodidact.checkpoints.natives.DjlNatives;

/**
 * libtorch of this process, and its settings for as long as one training works: they belong to the
 * host, which finds them as they were after {@link #close()}. Closed by the thread that made it, as
 * some of them are a thread's. Only the seed of libtorch's own generator stays changed.
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

  private static int working;
  private static int threadsOfHost;

  private final boolean gradients;

  /**
   * Sets what trainings need.
   *
   * @param threads that compute one operation together
   */
  public TorchRuntime(int threads) {
    synchronized (TorchRuntime.class) {
      if (working++ == 0) {
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
    // On, as libtorch begins; it cannot be asked.
    JniUtils.setGraphExecutorOptimize(true);
    JniUtils.setGradMode(gradients);
    synchronized (TorchRuntime.class) {
      working--;
      JniUtils.setNumThreads(threadsOfHost);
    }
  }
}
