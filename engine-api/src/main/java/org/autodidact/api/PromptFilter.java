package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Decides whether a prompt that a model created is kept. The answer depends on the text alone. Used
 * by one thread at a time.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
@FunctionalInterface
public interface PromptFilter {
  boolean accepts(String prompt);
}
