package org.autodidact.openai.http;

import java.time.Duration;
import java.util.Optional;

/** A failure after which the same request may succeed: a limit, a fault, a cut connection. */
final class TransientFailure extends Exception {
  private static final long serialVersionUID = 1L;

  private final transient Optional<Duration> retryAfter;

  /**
   * @param retryAfter how long the server asks to wait
   */
  TransientFailure(String message, Optional<Duration> retryAfter) {
    super(message);
    this.retryAfter = retryAfter;
  }

  Optional<Duration> retryAfter() {
    return retryAfter;
  }
}
