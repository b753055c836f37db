package org.autodidact.gpu.ort;

import java.util.EnumMap;
import java.util.Map;

/** Counts native objects that are not closed, by kind. Thread-safe. */
public final class LiveHandles {
  /** Kinds of native objects. */
  public enum Kind {
    ENVIRONMENT,
    SESSION_OPTIONS,
    CUDA_OPTIONS,
    TENSORRT_OPTIONS,
    SESSION,
    MEMORY_INFO,
    VALUE,
    BINDING,
    RUN_OPTIONS
  }

  private final Map<Kind, Integer> counts = new EnumMap<>(Kind.class);

  synchronized void opened(Kind kind) {
    counts.merge(kind, 1, Integer::sum);
  }

  synchronized void closed(Kind kind) {
    counts.merge(kind, -1, Integer::sum);
  }

  /** Those that are open, by kind; kinds with none are left out. */
  public synchronized Map<Kind, Integer> counts() {
    Map<Kind, Integer> open = new EnumMap<>(counts);
    open.values().removeIf(n -> n == 0);
    return open;
  }
}
