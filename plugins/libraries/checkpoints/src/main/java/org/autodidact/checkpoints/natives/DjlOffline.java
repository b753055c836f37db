package org.autodidact.checkpoints.natives;

import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;

/**
 * DJL without its network: it may ask for natives, and say that it was started, when it loads its
 * natives or a tokenizer. That is turned off by properties of the process, which belong to the
 * host: they are set as long as DJL loads and are then as they were. Thread-safe; calls may
 * overlap.
 */
public final class DjlOffline {
  private static final String[] NAMES = {"ai.djl.offline", "OPT_OUT_TRACKING"};
  private static final Map<String, Optional<String>> BEFORE = new LinkedHashMap<>();
  private static int inside;

  private DjlOffline() {}

  /** Loads something by DJL. */
  public interface Loading<T, E extends Exception> {
    T load() throws E;
  }

  /** Runs {@code loading} while DJL is told to stay offline. */
  public static <T, E extends Exception> T during(Loading<T, E> loading) throws E {
    enter();
    try {
      return loading.load();
    } finally {
      leave();
    }
  }

  private static synchronized void enter() {
    if (inside++ == 0) {
      for (String name : NAMES) {
        BEFORE.put(name, Optional.ofNullable(System.setProperty(name, "true")));
      }
    }
  }

  private static synchronized void leave() {
    if (--inside == 0) {
      BEFORE.forEach(
          (name, value) ->
              value.ifPresentOrElse(
                  v -> System.setProperty(name, v), () -> System.clearProperty(name)));
      BEFORE.clear();
    }
  }
}
