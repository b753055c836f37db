package org.autodidact.api;

/** Why a candidate ended. */
public enum FinishReason {
  /** The model wrote one of its end-of-text tokens. */
  END_OF_TEXT,
  /** A stop text appeared. */
  STOP_TEXT,
  /** {@link SamplingParameters#maxTokens()} were written. */
  MAX_TOKENS,
  /** The model's context is full. */
  CONTEXT_FULL
}
