package org.autodidact.cli.process;

import java.lang.reflect.InvocationHandler;
import java.lang.reflect.Method;
import java.lang.reflect.Proxy;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Function;
import org.autodidact.api.Cancellation;

/**
 * Lets Ctrl-C end the work in hand in an orderly way: the step is finished and stored first. The
 * signal is taken before the JVM begins to go down, as ONNX Runtime then closes what a step may be
 * computing with, which ended the process in its midst. A second one ends it at once, and so does
 * {@link ShutdownWatchdog} where nothing moves.
 *
 * <p>By reflection, as the compiler warns of {@code sun.misc.Signal}, the only way there is, and
 * lets nobody say that it is meant. A JVM without it ends as it will.
 */
public final class SignalHandling {
  /** The exit code of what was cancelled. */
  public static final int CANCELLED = 130;

  private static final List<String> SIGNALS = List.of("INT", "TERM", "HUP");

  private SignalHandling() {}

  public static <T> T guard(Function<Cancellation, T> work) {
    Cancellation cancellation = new Cancellation();
    List<Runnable> undo = new ArrayList<>();
    for (String name : SIGNALS) {
      try {
        undo.add(handle(name, () -> end(cancellation)));
      } catch (ReflectiveOperationException e) {
        // Not known here, or the JVM has signal handling switched off.
      }
    }
    try {
      return work.apply(cancellation);
    } finally {
      undo.forEach(Runnable::run);
    }
  }

  private static void end(Cancellation cancellation) {
    if (cancellation.isCancelled()) {
      Runtime.getRuntime().halt(CANCELLED);
    }
    System.err.println("autodidact: the step in hand is finished first; again ends it at once");
    cancellation.cancel();
    ShutdownWatchdog.begin();
  }

  /** Handles a signal so; gives what puts back how it was handled before. */
  private static Runnable handle(String name, Runnable action) throws ReflectiveOperationException {
    Class<?> type = Class.forName("sun.misc.Signal");
    Class<?> handlerType = Class.forName("sun.misc.SignalHandler");
    Method handle = type.getMethod("handle", type, handlerType);
    Object signal = type.getConstructor(String.class).newInstance(name);
    InvocationHandler call =
        (proxy, method, arguments) -> {
          if (method.getName().equals("handle")) {
            action.run();
            return null;
          }
          return method.invoke(action, arguments);
        };
    Object handler =
        Proxy.newProxyInstance(
            SignalHandling.class.getClassLoader(), new Class<?>[] {handlerType}, call);
    Object before = handle.invoke(null, signal, handler);
    return () -> {
      try {
        handle.invoke(null, signal, before);
      } catch (ReflectiveOperationException e) {
        throw new IllegalStateException(e);
      }
    };
  }
}
