package org.autodidact.engine.plugins.rules;

import java.nio.channels.ClosedByInterruptException;
import java.util.function.Supplier;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.CancelledException;
import org.autodidact.api.PluginFailedException;
import org.autodidact.api.RuleBrokenException;
import org.autodidact.api.StorageException;

/** Calls of a plugin's code: what it throws that no interface foresees is named by whose it is. */
public final class PluginCalls {
  private PluginCalls() {}

  public static <T> T call(String who, Supplier<T> call) {
    try {
      return call.get();
    } catch (AutodidactException e) {
      throw known(e);
    } catch (RuntimeException | LinkageError | StackOverflowError e) {
      throw failure(who, e);
    }
  }

  /** Opens what a provider provides, which must not be null. */
  static <T> T open(String who, String rule, Supplier<T> provider) {
    T opened = call(who, provider);
    if (opened == null) {
      throw new RuleBrokenException(who, rule, "its provider returned null");
    }
    return opened;
  }

  /** An interrupt of the thread closes the file in hand, with which nothing is wrong. */
  public static AutodidactException known(AutodidactException e) {
    return e instanceof StorageException && e.getCause() instanceof ClosedByInterruptException
        ? new CancelledException("the thread was interrupted", e)
        : e;
  }

  /** An interrupt of the thread is no fault of a plugin that may not throw what it caught. */
  public static RuntimeException failure(String who, Throwable e) {
    return Thread.currentThread().isInterrupted() || e.getCause() instanceof InterruptedException
        ? new CancelledException("the thread was interrupted", e)
        : new PluginFailedException(who, e);
  }
}
