package org.autodidact.cli;

import java.util.concurrent.CountDownLatch;
import java.util.concurrent.TimeUnit;
import java.util.function.Function;
import org.autodidact.api.Cancellation;

/** Lets Ctrl-C end the work in hand in an orderly way: the step is finished and stored first. */
final class Interrupt {
  /** Reached when a command has written and said all; the JVM goes down no earlier. */
  private static final CountDownLatch LEFT = new CountDownLatch(1);

  private Interrupt() {}

  /** The command is done. */
  static void leave() {
    LEFT.countDown();
  }

  static <T> T guard(Function<Cancellation, T> work) {
    Cancellation cancellation = new Cancellation();
    Thread hook =
        new Thread(
            () -> {
              cancellation.cancel();
              try {
                if (!LEFT.await(60, TimeUnit.SECONDS)) {
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
      try {
        Runtime.getRuntime().removeShutdownHook(hook);
      } catch (IllegalStateException e) {
        // The JVM is going down already: that is what the hook was for.
      }
    }
  }
}
