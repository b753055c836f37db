package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Why a candidate ended.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public enum FinishReason {
  /** The model wrote one of its end-of-text tokens, or what closes a turn in its template. */
  END_OF_TEXT,
  /**
   * A stop text or a stop token appeared. A server that tells no stop text from an end of turn says
   * this: what {@link #END_OF_TEXT} ends is trained to end there.
   */
  STOP_TEXT,
  /** {@link SamplingParameters#maxTokens()} were written. */
  MAX_TOKENS,
  /** The model's context is full. */
  CONTEXT_FULL,
  /** A server's filter took the rest away. */
  FILTERED;

  /** Whether the answer was cut off where the model would have gone on. */
  public boolean isTruncated() {
    return this == MAX_TOKENS || this == CONTEXT_FULL || this == FILTERED;
  }
}
