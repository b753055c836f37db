package org.autodidact.conformance;

/** Another thread than the caller's. */
final class OtherThread {
  private OtherThread() {}

  /** Runs and waits. */
  static void run(Runnable work) {
    Thread thread = new Thread(work, "a thread of the part");
    thread.setUncaughtExceptionHandler((t, e) -> {}); // what the receiver throws
    thread.start();
    try {
      thread.join();
    } catch (InterruptedException e) {
      throw new IllegalStateException(e);
    }
  }
}
