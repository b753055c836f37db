package org.autodidact.api;

/**
 * Says whether a text that a model made up is fit to be asked. The answer depends on the text
 * alone. Used by one thread at a time.
 */
@FunctionalInterface
public interface PromptFilter {
  boolean accepts(String prompt);
}
