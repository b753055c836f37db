package org.autodidact.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.autodidact.api.Cancellation;

/** Lets Ctrl-C end the work in hand in an orderly way: the step is finished and stored first. */
final class Interrupt {
  private Interrupt() {}

  static <T> T guard(Function<Cancellation, T> work) {
    Cancellation cancellation = new Cancellation();
    CountDownLatch ended = new CountDownLatch(1);
    Thread hook =
        new Thread(
            () -> {
              cancellation.cancel();
              try {
                if (!ended.await(60, TimeUnit.SECONDS)) {
                  System.err.println("autodidact: the step in hand takes long; leaving it");
                }
              } catch (InterruptedException e) {
                Thread.currentThread().interrupt();
              }
            });
    Runtime.getRuntime().addShutdownHook(hook);
    try {
      return work.apply(cancellation);
    } finally {
      ended.countDown();
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // The JVM is going down already: that is what the hook was for.
      }
    }
  }
}
