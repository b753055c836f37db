package org.autodidact.onnxruntime.batching;

import java.util.Arrays;
import java.util.BitSet;
import java.util.SplittableRandom;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.SamplingParameters;
import org.autodidact.onnxruntime.backend.DecoderSession;

/**
 * Samples the tokens of one candidate, by top-k, min-p and top-p (nucleus sampling: Holtzman et
 * al., 2020). A sample depends on the probabilities and the candidate's own seed only: one number
 * of {@link SplittableRandom} a token.
 *
 * <p>The backend has already divided by the temperature and taken the softmax. Only tokens that can
 * be sampled are sorted: of V tokens, those below (1 − top-p) / V have less than 1 − top-p
 * together, so the nucleus is among the others, which are few.
 */
public final class Sampler {
  /** First probability bound for candidates; lowered where too few are above it (not measured). */
  private static final double FIRST_BOUND = 1e-4;

  /** By how much a bound is lowered (not measured). */
  private static final double BOUND_STEP = 32;

  /** Bound below which all tokens are collected. */
  private static final double MIN_BOUND = 1e-12;

  /** Nats below the likeliest token: e^-80 is 0 beside it, summed over any vocabulary. */
  private static final double NEGLIGIBLE_NATS = 80;

  private final SamplingParameters parameters;
  private final SplittableRandom random;
  private final BitSet seen = new BitSet();

  /** The repetition penalty takes {@code promptTokens} as seen. */
  public Sampler(SamplingParameters parameters, long seed, int[] promptTokens) {
    this.parameters = parameters;
    this.random = new SplittableRandom(seed);
    if (parameters.repetitionPenalty() != 1) {
      Arrays.stream(promptTokens).forEach(seen::set);
    }
  }

  /** Refuses NaN and infinity, which a model with broken weights computes. */
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

  /** The factor of the logits, 1 / temperature; 1 for greedy decoding. */
  public static float inverseTemperature(SamplingParameters parameters) {
    return parameters.temperature() == 0 ? 1f : (float) (1 / parameters.temperature());
  }

  /** Samples a token by a row of logits; {@code scratch} is overwritten. */
  public int sample(DecoderSession.Logits logits, int row, Scratch scratch) {
    int token =
        parameters.temperature() == 0
            ? argmax(logits, row, scratch)
            : sampleRandomly(logits, row, scratch);
    if (parameters.repetitionPenalty() != 1) {
      seen.set(token);
    }
    return token;
  }

  private int argmax(DecoderSession.Logits logits, int row, Scratch scratch) {
    float[] values = scratch.values;
    logits.copyLogits(row, values);
    seen.stream().forEach(t -> values[t] = penalized(values[t]));
    int best = argmax(values);
    requireNumber(values[best]);
    return best;
  }

  private int sampleRandomly(DecoderSession.Logits logits, int row, Scratch scratch) {
    float[] p = scratch.values;
    double total = 1;
    if (seen.isEmpty()) {
      logits.copyProbabilities(row, p);
    } else {
      total = penalizedWeights(logits, row, p);
      requireNumber(total);
    }
    boolean all = parameters.topP() == 1 && parameters.topK() == 0 && parameters.minP() == 0;
    return all ? sampleFromAll(p) : sampleFromLikeliest(p, total, scratch);
  }

  /**
   * Writes e^((logit − highest) / temperature) of all tokens after the repetition penalty; returns
   * the sum. Computed from the logits: where a penalized token had nearly all of the probability,
   * the probabilities of the others have underflowed.
   */
  private double penalizedWeights(DecoderSession.Logits logits, int row, float[] weights) {
    logits.copyLogits(row, weights);
    seen.stream().forEach(t -> weights[t] = penalized(weights[t]));
    float highest = weights[argmax(weights)];
    double sum = 0;
    for (int i = 0; i < weights.length; i++) {
      double below = (weights[i] - highest) / parameters.temperature();
      weights[i] = below < -NEGLIGIBLE_NATS ? 0 : (float) Math.exp(below);
      sum += weights[i];
    }
    return sum;
  }

  private static int argmax(float[] values) {
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

  private int sampleFromAll(float[] p) {
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

  private int sampleFromLikeliest(float[] p, double total, Scratch scratch) {
    boolean onlyTopP = parameters.topK() == 0 && parameters.minP() == 0;
    double minimum = onlyTopP ? (1 - parameters.topP()) * total / p.length : 0;
    if (parameters.topK() == 0 && parameters.minP() > 0) {
      float highest = 0;
      for (float x : p) {
        highest = Math.max(highest, x);
      }
      minimum = parameters.minP() * highest;
    }
    long[] keys = scratch.keys;
    int count = 0;
    // What is kept is nearly always above the first bound; else collect again by a lower one.
    boolean bounded = onlyTopP || parameters.topK() > 0;
    double bound = bounded ? Math.max(minimum, FIRST_BOUND * total) : minimum;
    while (true) {
      count = collect(p, Math.nextDown((float) bound), keys);
      boolean enough =
          onlyTopP ? sum(keys, count) >= parameters.topP() * total : count >= parameters.topK();
      if (bound == minimum || enough) {
        break;
      }
      bound = onlyTopP || bound < MIN_BOUND ? minimum : bound / BOUND_STEP;
    }
    if (count == 0) {
      throw notNumbers();
    }
    Arrays.sort(keys, 0, count);
    int kept = parameters.topK() == 0 ? count : Math.min(count, parameters.topK());
    double mass = onlyTopP ? total : 0;
    float threshold = (float) (parameters.minP() * probability(keys[count - 1]));
    for (int i = 0; i < kept && !onlyTopP; i++) {
      float x = probability(keys[count - 1 - i]);
      if (x < threshold) {
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

  /** Writes a sort key for each token of at least this probability; returns their number. */
  private static int collect(float[] p, float bound, long[] keys) {
    int count = 0;
    for (int i = 0; i < p.length; i++) {
      if (p[i] >= bound) {
        // Positive floats sort as their bits do; of equal ones the lower id has the higher key.
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

  /** Scratch memory of one thread, [vocabulary] each. */
  public static final class Scratch {
    private final float[] values;
    private final long[] keys;

    public Scratch(int vocabulary) {
      values = new float[vocabulary];
      keys = new long[vocabulary];
    }
  }
}
