package org.autodidact.api;

/** Decides whether a prompt that a model created is kept. Used by one thread at a time. */
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
