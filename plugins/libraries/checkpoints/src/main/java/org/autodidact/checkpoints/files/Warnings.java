package org.autodidact.checkpoints.files;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * Warnings about input that is read, but perhaps not as its maker meant it. Each is logged once in
 * a process. Thread-safe.
 */
public final class Warnings {
  private static final System.Logger LOGGER = System.getLogger(Warnings.class.getName());
  private static final int MOST = 1000;
  private static final Set<String> LOGGED = ConcurrentHashMap.newKeySet();

  private Warnings() {}

  public static void once(String message) {
    if (LOGGED.size() < MOST && LOGGED.add(message)) {
      LOGGER.log(System.Logger.Level.WARNING, message);
    }
  }
}
