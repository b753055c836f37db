package org.autodidact.spark.executor;

import java.util.Optional;
import java.util.concurrent.locks.ReentrantLock;
import java.util.function.Function;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Generator;
import org.autodidact.spark.executor.Delegates.Delegate;
import org.autodidact.spark.wire.ModelSpec;

/**
 * The one model that an executor's process has open. It is opened by the first task that asks for
 * it, serves one task at a time, since it computes with all threads that it is given, and is closed
 * when another model is asked for, when it fails in a way that is not foreseen, or when the process
 * ends. Thread-safe.
 */
public final class ModelHolder {
  private static final ReentrantLock TURN = new ReentrantLock(true);
  private static Optional<Opened> current = Optional.empty();

  static {
    Runtime.getRuntime().addShutdownHook(new Thread(ModelHolder::closeIfIdle, "autodidact-close"));
  }

  private ModelHolder() {}

  private record Opened(ModelSpec spec, Generator generator, LocalCheckpoint checkpoint) {
    void close() {
      try (checkpoint) {
        generator.close();
      }
    }
  }

  /**
   * Lets a task use a model, which is opened where it is not open.
   *
   * @param cancellation of the task
   * @throws CancelledException where the thread is interrupted while it waits for its turn
   */
  static <T> T use(ModelSpec spec, Cancellation cancellation, Function<Generator, T> task) {
    try {
      TURN.lockInterruptibly();
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancelledException("the thread was interrupted", e);
    }
    try {
      Generator generator = opened(spec, cancellation);
      try {
        return task.apply(generator);
      } catch (AutodidactException e) {
        throw e;
      } catch (RuntimeException | Error e) {
        close(); // nobody knows what state it is in
        throw e;
      }
    } finally {
      TURN.unlock();
    }
  }

  private static Generator opened(ModelSpec spec, Cancellation cancellation) {
    if (current.isPresent() && current.get().spec().equals(spec)) {
      return current.get().generator();
    }
    close();
    Delegate delegate = delegate(spec);
    LocalCheckpoint checkpoint = LocalCheckpoint.of(spec.checkpoint());
    try {
      Generator generator =
          delegate.provider().open(spec.context(checkpoint.checkpoint(), cancellation));
      current = Optional.of(new Opened(spec, generator, checkpoint));
      return generator;
    } catch (RuntimeException | Error e) {
      checkpoint.close();
      throw e;
    }
  }

  private static Delegate delegate(ModelSpec spec) {
    Delegate delegate =
        Delegates.find(spec.generator())
            .orElseThrow(
                () ->
                    new ExecutorFailure(
                        "no plugin there has the generator '"
                            + spec.generator()
                            + "'; give executors the driver's jars, by --jars or in their image"));
    String found = delegate.plugin().version();
    if (!found.equals(spec.versions().generator())) {
      throw otherVersion(delegate.plugin().name(), found, spec.versions().generator());
    }
    return delegate;
  }

  /** The failure of an executor whose plugin is of another version than the driver's. */
  static ExecutorFailure otherVersion(String plugin, String found, String expected) {
    return new ExecutorFailure(
        "the plugin '"
            + plugin
            + "' is there in version "
            + shown(found)
            + ", the driver has "
            + shown(expected)
            + "; give both the same jars");
  }

  private static String shown(String version) {
    return version.isEmpty() ? "'' (its jar has none)" : "'" + version + "'";
  }

  /**
   * Closes a model where this process has it open: a driver's without a cluster, which is its own
   * executor. It waits for the task that uses it.
   */
  public static void release(ModelSpec spec) {
    TURN.lock();
    try {
      if (current.isPresent() && current.get().spec().equals(spec)) {
        close();
      }
    } finally {
      TURN.unlock();
    }
  }

  private static void closeIfIdle() {
    if (TURN.tryLock()) {
      try {
        close();
      } finally {
        TURN.unlock();
      }
    }
  }

  private static void close() {
    Optional<Opened> old = current;
    current = Optional.empty();
    old.ifPresent(Opened::close);
  }
}
