package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * What a generator asked of a server since it was opened. A run adds it up by model, and its report
 * shows it.
 *
 * @param requests requests, those that were sent again counted too
 * @param tokensIn tokens of prompts, as the server counts them
 * @param tokensOut tokens of answers, as the server counts them
 * @since 0.2
 */
@API(status = Status.EXPERIMENTAL, since = "0.2")
public record Usage(long requests, long tokensIn, long tokensOut) {
  /** No server was asked. */
  public static final Usage NONE = new Usage(0, 0, 0);

  /** Both together. */
  public Usage plus(Usage other) {
    return new Usage(
        requests + other.requests, tokensIn + other.tokensIn, tokensOut + other.tokensOut);
  }
}
