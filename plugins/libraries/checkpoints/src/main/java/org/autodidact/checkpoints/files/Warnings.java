package org.autodidact.checkpoints.files;

import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/** What is read, but perhaps not as its maker meant it: said once in a process. Thread-safe. */
public final class Warnings {
  private static final System.Logger LOGGER = System.getLogger(Warnings.class.getName());
  private static final int MOST = 1000;
  private static final Set<String> SAID = ConcurrentHashMap.newKeySet();

  private Warnings() {}

  public static void once(String message) {
    if (SAID.size() < MOST && SAID.add(message)) {
      LOGGER.log(System.Logger.Level.WARNING, message);
    }
  }
}
