package org.autodidact.api;

/**
 * Decides whether a prompt that a model created is kept. The answer depends on the text alone. Used
 * by one thread at a time.
 */
@FunctionalInterface
public interface PromptFilter {
  boolean accepts(String prompt);
}
