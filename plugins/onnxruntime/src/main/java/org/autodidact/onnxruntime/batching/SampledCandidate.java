package org.autodidact.onnxruntime.batching;

import java.util.Arrays;
import java.util.OptionalInt;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.tokenizer.EndOfTurn;
import org.autodidact.checkpoints.tokenizer.IncrementalDecoder;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;

/** The tokens sampled for a candidate, and why they ended. One thread at a time. */
public final class SampledCandidate {
  private final PromptEncoder encoder;
  private final EndOfTurn endOfTurn;
  private final GenerationJob job;

  /** The decoded text that stop texts are searched in; stays empty where there are none. */
  private final IncrementalDecoder text;

  private int[] tokens = new int[16];
  private int count;
  private double logProbability;
  private FinishReason reason;

  /** Last tokens that end the turn and are no part of the text. */
  private int endTokens;

  private OptionalInt stopIndex = OptionalInt.empty();

  public SampledCandidate(PromptEncoder encoder, EndOfTurn endOfTurn, GenerationJob job) {
    this.encoder = encoder;
    this.endOfTurn = endOfTurn;
    this.job = job;
    this.text = new IncrementalDecoder(encoder);
  }

  int count() {
    return count;
  }

  int lastToken() {
    return tokens[count - 1];
  }

  public boolean isFinished() {
    return reason != null;
  }

  /** Adds a sampled token with its ln p. */
  public void add(int token, double tokenLogProbability) {
    if (count == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * count);
    }
    tokens[count++] = token;
    logProbability += tokenLogProbability;
    SamplingParameters sampling = job.request().sampling();
    endTokens = sampling.ignoreEndOfText() ? 0 : endOfTurn.ending(tokens, count);
    if (endTokens > 0) {
      reason = FinishReason.END_OF_TEXT;
    } else if (stops(token)) {
      reason = FinishReason.STOP_TEXT;
    } else if (count == sampling.maxTokens()) {
      reason = FinishReason.MAX_TOKENS;
    } else if (count == job.maxAnswer()) {
      reason = FinishReason.CONTEXT_FULL;
    }
  }

  private boolean stops(int token) {
    if (job.stops().tokens().contains(token)) {
      return true;
    }
    if (job.stops().texts().isEmpty()) {
      return false;
    }
    text.add(token);
    stopIndex = job.stops().texts().stream().mapToInt(text::indexOf).filter(i -> i >= 0).min();
    return stopIndex.isPresent();
  }

  public Candidate candidate(long seed) {
    return new Candidate(
        seed,
        stopIndex.isPresent()
            ? text.substring(stopIndex.getAsInt())
            : encoder.decode(Arrays.copyOf(tokens, count - endTokens)),
        Arrays.stream(tokens, 0, count).boxed().toList(),
        logProbability,
        reason);
  }
}
