package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Decides whether a prompt that a model created is kept. Used by one thread at a time.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
@FunctionalInterface
public interface PromptFilter {
  /**
   * Whether it is kept.
   *
   * <ul>
   *   <li>F1: the answer depends on the text alone, whatever was asked before.
   *   <li>F2: every text is answered, the empty one included.
   * </ul>
   */
  boolean accepts(String prompt);
}
