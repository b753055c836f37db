package org.autodidact.openai.http;

import java.util.Optional;
import org.autodidact.api.ServiceUnavailableException;
import org.autodidact.api.Usage;

/** What may be sent, and what was: requests, and tokens as the server counts them. Thread-safe. */
public final class Budget {
  private final Optional<Long> maxRequests;
  private final Optional<Long> maxTokens;
  private long requests;
  private long tokensIn;
  private long tokensOut;

  /**
   * @param maxRequests requests at most, those that are sent again counted too
   * @param maxTokens tokens in and out after which nothing more is sent
   */
  public Budget(Optional<Long> maxRequests, Optional<Long> maxTokens) {
    this.maxRequests = maxRequests;
    this.maxTokens = maxTokens;
  }

  /**
   * Takes a request from the budget.
   *
   * @throws ServiceUnavailableException where nothing is left of it
   */
  synchronized void takeRequest() {
    if (maxRequests.isPresent() && requests >= maxRequests.get()) {
      throw spent("max-requests", maxRequests.get());
    }
    if (maxTokens.isPresent() && tokensIn + tokensOut >= maxTokens.get()) {
      throw spent("max-tokens", maxTokens.get());
    }
    requests++;
  }

  private ServiceUnavailableException spent(String key, long limit) {
    return new ServiceUnavailableException(
        "the generator's budget is used up, "
            + key
            + " "
            + limit
            + ": "
            + this
            + "; what was answered is kept, and resuming goes on with as much again");
  }

  /** Counts the tokens of an answer. */
  public synchronized void addTokens(long in, long out) {
    tokensIn += in;
    tokensOut += out;
  }

  /** What was used. */
  public synchronized Usage usage() {
    return new Usage(requests, tokensIn, tokensOut);
  }

  /** What was used, for people. */
  @Override
  public synchronized String toString() {
    return requests + " requests, " + tokensIn + " tokens in, " + tokensOut + " out";
  }
}
