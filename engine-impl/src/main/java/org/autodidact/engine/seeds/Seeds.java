package org.autodidact.engine.seeds;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * Seeds of a run's parts. A part's seed is a hash of the run's seed and of the part's path in the
 * run, so that it is the same after a resume and independent of what else was sampled.
 */
public final class Seeds {
  // First steps of the paths; never changed, so that a run of an older version resumes.
  public static final long FINE_TUNING = 0;
  public static final long CANDIDATES = 1;
  public static final long JUDGEMENTS = 2;
  public static final long PREFERENCE_TRAINING = 3;
  public static final long HELD_OUT = 4;
  public static final long PAST_CANDIDATES = 5;
  public static final long EARLIER_SCORES = 6;
  public static final long PROMPTS = 7;
  public static final long EVALUATION = 8;
  public static final long FUTURE_TRAINING = 9;
  public static final long FUTURE_CANDIDATES = 10;
  public static final long FUTURE_JUDGEMENTS = 11;

  private Seeds() {}

  /** The seeds of the parts {@code path, 0} to {@code path, count - 1}. */
  public static List<Long> list(int count, long root, long... path) {
    long[] whole = Arrays.copyOf(path, path.length + 1);
    List<Long> seeds = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      whole[path.length] = i;
      seeds.add(of(root, whole));
    }
    return seeds;
  }

  /** The seed of the part at {@code path}. */
  public static long of(long root, long... path) {
    long seed = mix(root);
    for (long step : path) {
      seed = mix(seed + 0x9E3779B97F4A7C15L * (step + 1));
    }
    return seed;
  }

  /** The finalizer of SplitMix64 (Steele, Lea and Flood, 2014). */
  private static long mix(long z) {
    z = (z ^ (z >>> 30)) * 0xBF58476D1CE4E5B9L;
    z = (z ^ (z >>> 27)) * 0x94D049BB133111EBL;
    return z ^ (z >>> 31);
  }
}
