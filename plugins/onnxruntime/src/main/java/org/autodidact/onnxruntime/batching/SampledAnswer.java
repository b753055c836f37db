package org.autodidact.onnxruntime.batching;

import java.util.Arrays;
import java.util.OptionalInt;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.tokenizer.EndOfTurn;
import org.autodidact.checkpoints.tokenizer.IncrementalDecoder;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;

/** The tokens of a candidate, and whether they have come to an end. One thread at a time. */
public final class SampledAnswer {
  private final PromptEncoder encoder;
  private final EndOfTurn ends;
  private final GenerationJob job;

  /** What stop texts are looked for in; of no use without them. */
  private final IncrementalDecoder text;

  private int[] tokens = new int[16];
  private int count;
  private double logProbability;
  private FinishReason reason;

  /** Tokens that are the answer's end and no part of its text. */
  private int ending;

  private OptionalInt stoppedAt = OptionalInt.empty();

  public SampledAnswer(PromptEncoder encoder, EndOfTurn ends, GenerationJob job) {
    this.encoder = encoder;
    this.ends = ends;
    this.job = job;
    this.text = new IncrementalDecoder(encoder);
  }

  int count() {
    return count;
  }

  int lastToken() {
    return tokens[count - 1];
  }

  public boolean hasEnded() {
    return reason != null;
  }

  /** Takes a token, with its ln p. */
  public void add(int token, double itsLogProbability) {
    if (count == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * count);
    }
    tokens[count++] = token;
    logProbability += itsLogProbability;
    SamplingParameters sampling = job.request().sampling();
    ending = sampling.ignoreEndOfText() ? 0 : ends.ending(tokens, count);
    if (ending > 0) {
      reason = FinishReason.END_OF_TEXT;
    } else if (stops(token)) {
      reason = FinishReason.STOP_TEXT;
    } else if (count == sampling.maxTokens()) {
      reason = FinishReason.MAX_TOKENS;
    } else if (count == job.answerPlaces()) {
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
    stoppedAt = job.stops().texts().stream().mapToInt(text::indexOf).filter(at -> at >= 0).min();
    return stoppedAt.isPresent();
  }

  public Candidate candidate(long seed) {
    return new Candidate(
        seed,
        stoppedAt.isPresent()
            ? text.substring(stoppedAt.getAsInt())
            : encoder.decode(Arrays.copyOf(tokens, count - ending)),
        Arrays.stream(tokens, 0, count).boxed().toList(),
        logProbability,
        reason);
  }
}
