package org.autodidact.onnxruntime.batching;

import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.SamplingParameters;
import org.autodidact.onnxruntime.backend.DecoderSession;

/**
 * Draws the tokens of one candidate. The draw depends on the probabilities and on the candidate's
 * own seed only: one number of {@link SplittableRandom} a token.
 *
 * <p>The graph has already divided by the temperature and taken the softmax. Nothing is sorted that
 * cannot be drawn: with V tokens, those less likely than (1 − top-p) / V together weigh less than 1
 * − top-p, so the nucleus lies among the others, which are few.
 */
public final class Sampler {
  /** Probability below which tokens are looked at only where the others do not suffice. */
  private static final double UNLIKELY = 1e-4;

  /** Bound below which all tokens are looked at. */
  private static final double LEAST_BOUND = 1e-12;

  /** Nats below the likeliest token from which on all of a vocabulary together is nothing. */
  private static final double UNSEEN = 80;

  private final SamplingParameters parameters;
  private final SplittableRandom random;
  private final BitSet seen = new BitSet();

  /** {@code promptTokens} count as seen for the repetition penalty. */
  public Sampler(SamplingParameters parameters, long seed, int[] promptTokens) {
    this.parameters = parameters;
    this.random = new SplittableRandom(seed);
    if (parameters.repetitionPenalty() != 1) {
      Arrays.stream(promptTokens).forEach(seen::set);
    }
  }

  /** Refuses what a model computes whose weights are no numbers. */
  public static void requireNumber(double computed) {
    if (!Double.isFinite(computed)) {
      throw notNumbers();
    }
  }

  private static AutodidactException notNumbers() {
    return new AutodidactException(
        "the model's probabilities are not numbers; its weights are broken, for example by a"
            + " training that diverged");
  }

  /** What the graph multiplies logits with; greedy rows pass unchanged. */
  public static float inverseTemperature(SamplingParameters parameters) {
    return parameters.temperature() == 0 ? 1f : (float) (1 / parameters.temperature());
  }

  /** The next token of the row; {@code scratch} is overwritten. */
  public int next(DecoderSession.Logits logits, int row, Scratch scratch) {
    int token =
        parameters.temperature() == 0
            ? mostLikely(logits, row, scratch)
            : draw(logits, row, scratch);
    if (parameters.repetitionPenalty() != 1) {
      seen.set(token);
    }
    return token;
  }

  private int mostLikely(DecoderSession.Logits logits, int row, Scratch scratch) {
    float[] values = scratch.values;
    logits.copyLogits(row, values);
    seen.stream().forEach(t -> values[t] = penalized(values[t]));
    int best = highest(values);
    requireNumber(values[best]);
    return best;
  }

  private int draw(DecoderSession.Logits logits, int row, Scratch scratch) {
    float[] p = scratch.values;
    double total = 1;
    if (seen.isEmpty()) {
      logits.copyProbabilities(row, p);
    } else {
      total = weighPenalized(logits, row, p);
      requireNumber(total);
    }
    boolean all = parameters.topP() == 1 && parameters.topK() == 0 && parameters.minP() == 0;
    return all ? drawFromAll(p) : drawFromBest(p, total, scratch);
  }

  /**
   * Weights of all tokens where some are penalized, 1 for the likeliest; their sum. From the logits
   * anew: beside a token that had next to all of the probability, those of others are no numbers to
   * go on with once it is penalized.
   */
  private double weighPenalized(DecoderSession.Logits logits, int row, float[] weights) {
    logits.copyLogits(row, weights);
    seen.stream().forEach(t -> weights[t] = penalized(weights[t]));
    float most = weights[highest(weights)];
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      double below = (weights[i] - most) / parameters.temperature();
      weights[i] = below < -UNSEEN ? 0 : (float) Math.exp(below);
      sum += weights[i];
    }
    return sum;
  }

  private static int highest(float[] values) {
    int best = 0;
    for (int i = 1; i < values.length; i++) {
      if (values[i] > values[best]) {
        best = i;
      }
    }
    return best;
  }

  private float penalized(float logit) {
    return (float)
        (logit > 0
            ? logit / parameters.repetitionPenalty()
            : logit * parameters.repetitionPenalty());
  }

  private int drawFromAll(float[] p) {
    double sum = 0;
    for (float x : p) {
      sum += x;
    }
    requireNumber(sum);
    double left = random.nextDouble() * sum;
    int last = 0;
    for (int i = 0; i < p.length; i++) {
      if (p[i] > 0) {
        last = i;
        left -= p[i];
        if (left < 0) {
          break;
        }
      }
    }
    return last;
  }

  private int drawFromBest(float[] p, double total, Scratch scratch) {
    boolean onlyTopP = parameters.topK() == 0 && parameters.minP() == 0;
    double least = onlyTopP ? (1 - parameters.topP()) * total / p.length : 0;
    if (parameters.topK() == 0 && parameters.minP() > 0) {
      float most = 0;
      for (float x : p) {
        most = Math.max(most, x);
      }
      least = parameters.minP() * most;
    }
    long[] keys = scratch.keys;
    int count = 0;
    // Most often what is kept lies among the few that are not unlikely; else look again, lower.
    boolean few = onlyTopP || parameters.topK() > 0;
    double bound = few ? Math.max(least, UNLIKELY * total) : least;
    while (true) {
      count = collect(p, Math.nextDown((float) bound), keys);
      boolean enough =
          onlyTopP ? sum(keys, count) >= parameters.topP() * total : count >= parameters.topK();
      if (bound == least || enough) {
        break;
      }
      bound = onlyTopP || bound < LEAST_BOUND ? least : bound / 32;
    }
    if (count == 0) {
      throw notNumbers();
    }
    Arrays.sort(keys, 0, count);
    int kept = parameters.topK() == 0 ? count : Math.min(count, parameters.topK());
    double mass = onlyTopP ? total : 0;
    float weakest = (float) (parameters.minP() * probability(keys[count - 1]));
    for (int i = 0; i < kept && !onlyTopP; i++) {
      float x = probability(keys[count - 1 - i]);
      if (x < weakest) {
        kept = i;
        break;
      }
      mass += x;
    }
    double nucleus = 0;
    int size = 0;
    while (size < kept && (size == 0 || nucleus < parameters.topP() * mass)) {
      nucleus += probability(keys[count - 1 - size++]);
    }
    double left = random.nextDouble() * nucleus;
    int i = 0;
    while (i < size - 1 && (left -= probability(keys[count - 1 - i])) >= 0) {
      i++;
    }
    return p.length - (int) keys[count - 1 - i];
  }

  /** Tokens at least this likely, with their probabilities; how many there are. */
  private static int collect(float[] p, float bound, long[] keys) {
    int count = 0;
    for (int i = 0; i < p.length; i++) {
      if (p[i] >= bound) {
        // Positive floats sort as their bits do; equal ones by the lower id first.
        keys[count++] = ((long) Float.floatToRawIntBits(p[i]) << 32) | (p.length - i);
      }
    }
    return count;
  }

  private static double sum(long[] keys, int count) {
    double sum = 0;
    for (int i = 0; i < count; i++) {
      sum += probability(keys[i]);
    }
    return sum;
  }

  private static float probability(long key) {
    return Float.intBitsToFloat((int) (key >>> 32));
  }

  /** Working memory of one thread. */
  public static final class Scratch {
    private final float[] values;
    private final long[] keys;

    public Scratch(int vocabulary) {
      values = new float[vocabulary];
      keys = new long[vocabulary];
    }
  }
}
