package org.autodidact.cli.process;

import java.lang.management.ManagementFactory;
import java.util.Map;
import java.util.Set;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.AtomicLong;

/**
 * Ends the process some seconds after it was asked to end, where it does not and nothing moves: a
 * loop without end in a text, a file that never answers. What is finished is stored already.
 *
 * <p>Something moves where a result, a step or a file comes along ({@link #moved}); where a thread
 * is in a library's call that computes and comes back by itself, for minutes perhaps, as in a
 * training's step, and the process does compute; and where a file is written.
 */
public final class ShutdownWatchdog {
  /** Seconds without any progress before the process is ended. */
  private static final long SECONDS = Long.getLong("autodidact.grace-seconds", 10);

  private static final long LOOK_EVERY_MILLIS = 200;

  /** Packages whose native calls end by themselves; tokenizers read texts of any length. */
  private static final Set<String> COMPUTING = Set.of("ai.djl.pytorch.jni", "ai.onnxruntime");

  /** Native methods that write. */
  private static final Set<String> WRITING =
      Set.of("write0", "pwrite0", "writev0", "force0", "transferTo0", "truncate0");

  private static final AtomicLong MOVES = new AtomicLong();

  private ShutdownWatchdog() {}

  /** Says that the work comes along. */
  public static void moved() {
    MOVES.incrementAndGet();
  }

  /** Begins to look, on a thread of its own. */
  static void begin() {
    Thread thread = new Thread(ShutdownWatchdog::watch, "autodidact-grace");
    thread.setDaemon(true);
    thread.start();
  }

  private static void watch() {
    long last = System.nanoTime();
    long moves = MOVES.get();
    long computed = computed();
    while (System.nanoTime() - last < TimeUnit.SECONDS.toNanos(SECONDS)) {
      try {
        Thread.sleep(LOOK_EVERY_MILLIS);
      } catch (InterruptedException e) {
        return;
      }
      long computedNow = computed();
      if (MOVES.get() != moves || isWriting() || computedNow > computed && isComputing()) {
        last = System.nanoTime();
      }
      moves = MOVES.get();
      computed = computedNow;
    }
    System.err.println(
        "autodidact: nothing has moved for "
            + SECONDS
            + " s, so it ends here; what was finished is stored");
    Runtime.getRuntime().halt(SignalHandling.CANCELLED);
  }

  private static boolean isComputing() {
    return inNative(frame -> COMPUTING.contains(packageOf(frame.getClassName())));
  }

  private static boolean isWriting() {
    return inNative(
        frame ->
            frame.getClassName().startsWith("sun.nio.ch.")
                && WRITING.contains(frame.getMethodName()));
  }

  private static boolean inNative(java.util.function.Predicate<StackTraceElement> frame) {
    for (Map.Entry<Thread, StackTraceElement[]> thread : Thread.getAllStackTraces().entrySet()) {
      StackTraceElement[] stack = thread.getValue();
      if (stack.length > 0 && stack[0].isNativeMethod() && frame.test(stack[0])) {
        return true;
      }
    }
    return false;
  }

  private static String packageOf(String type) {
    return type.substring(0, Math.max(0, type.lastIndexOf('.')));
  }

  /** Nanoseconds of processor time of the process. */
  private static long computed() {
    return ManagementFactory.getOperatingSystemMXBean()
            instanceof com.sun.management.OperatingSystemMXBean system
        ? system.getProcessCpuTime()
        : System.nanoTime();
  }
}
