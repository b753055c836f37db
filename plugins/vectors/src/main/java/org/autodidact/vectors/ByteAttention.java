package org.autodidact.vectors;

import static org.autodidact.vectors.Lanes.FLOATS;
import static org.autodidact.vectors.Lanes.LENGTH;
import static org.autodidact.vectors.Vectors.BLOCK;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;
import jdk.incubator.vector.VectorOperators;

/**
 * Attention of many queries over keys and values in 8 bits ({@link ByteRows}), with the softmax
 * kept as it goes (Milakov and Gimelshein, 2018), so that a query can attend to one stretch of
 * places after another, each of them unfolded once for all queries that read it. Not thread-safe:
 * each thread has its own.
 *
 * <p>Scores are q · k; whoever wants them scaled scales q.
 */
public final class ByteAttention {
  /** Places that are unfolded at once: keys and values of them stay in the first cache. */
  public static final int STRETCH = 64;

  private static final int SCORES = STRETCH + BLOCK;

  private final int size;
  private final int queriesPerHead;
  private final float[] keys;
  private final float[] values;
  private final float[] keyScales = new float[STRETCH];
  private final float[] valueScales = new float[STRETCH];
  private final float[] scores;
  private final float[] lanes = new float[LENGTH];
  private int touched;
  private float[] peaks = new float[0];
  private float[] masses = new float[0];

  /**
   * @param size numbers of a head, as {@link ByteRows#supports}
   * @param queriesPerHead query heads that read one head of keys
   */
  public ByteAttention(int size, int queriesPerHead) {
    this.size = size;
    this.queriesPerHead = queriesPerHead;
    this.keys = new float[STRETCH * size];
    this.values = new float[STRETCH * size];
    this.scores = new float[queriesPerHead * SCORES];
  }

  /** Begins anew with {@code queries} queries; {@code sums} must be 0. */
  public void begin(int queries) {
    if (peaks.length < queries) {
      peaks = new float[queries];
      masses = new float[queries];
    }
    Arrays.fill(peaks, 0, queries, Float.NEGATIVE_INFINITY);
    Arrays.fill(masses, 0, queries, 0);
  }

  /**
   * Unfolds a stretch of one head: up to {@link #STRETCH} places from {@code start} on, which is a
   * multiple of {@link Vectors#BLOCK}.
   *
   * @param words where the head's keys and values begin in their arrays
   * @param scales where its scales begin
   */
  public void unfold(
      int[] headKeys,
      float[] headKeyScales,
      int[] headValues,
      float[] headValueScales,
      int words,
      int scales,
      int start,
      int places) {
    int quarter = size / 4;
    int from = words + start * quarter;
    touched += touch(headKeys, from, places * quarter) + touch(headValues, from, places * quarter);
    ByteRows.unfoldKeys(headKeys, from, (places + BLOCK - 1) / BLOCK, quarter, keys);
    ByteRows.unfoldValues(headValues, from, places, quarter, values);
    System.arraycopy(headKeyScales, scales + start, keyScales, 0, places);
    System.arraycopy(headValueScales, scales + start, valueScales, 0, places);
  }

  /** Reads one word of each line of memory, so that all of them are on their way at once. */
  private static int touch(int[] words, int from, int count) {
    int sum = 0;
    for (int i = from; i < from + count; i += BLOCK) {
      sum += words[i];
    }
    return sum;
  }

  /**
   * Lets the queries of one token and head attend to the first {@code places} of what is unfolded.
   *
   * @param queries numbers [queriesPerHead, size] from {@code from} on
   * @param first the first one's number among those of {@link #begin}
   * @param sums Σ weight × value, from {@code from} on, as the queries
   */
  public void attend(float[] queries, int from, int first, float[] sums, int places) {
    int blocks = (places + BLOCK - 1) / BLOCK;
    int q = 0;
    for (; q + 3 <= queriesPerHead; q += 3) {
      scoresOfThree(queries, from + q * size, q * SCORES, blocks);
    }
    for (; q < queriesPerHead; q++) {
      scoresOfOne(queries, from + q * size, q * SCORES, blocks);
    }
    for (q = 0; q < queriesPerHead; q++) {
      weigh(q * SCORES, first + q, sums, from + q * size, places);
    }
    q = 0;
    for (; q + 3 <= queriesPerHead; q += 3) {
      addValuesOfThree(sums, from + q * size, q * SCORES, places);
    }
    for (; q < queriesPerHead; q++) {
      addValuesOfOne(sums, from + q * size, q * SCORES, places);
    }
  }

  /** Divides the sums of {@code count} queries, from the {@code first} on, by their masses. */
  public void finish(float[] sums, int from, int first, int count) {
    for (int q = 0; q < count; q++) {
      FloatVector factor = FloatVector.broadcast(FLOATS, 1 / masses[first + q]);
      int at = from + q * size;
      for (int i = at; i < at + size; i += LENGTH) {
        FloatVector.fromArray(FLOATS, sums, i).mul(factor).intoArray(sums, i);
      }
    }
  }

  private void scoresOfThree(float[] queries, int from, int to, int blocks) {
    float[] k = keys;
    int width = size;
    for (int place = 0; place < blocks * BLOCK; place += 2 * LENGTH) {
      // Two vectors of places at once; the second may lie in a block that nobody asked for.
      int next = place + LENGTH;
      int at = place / BLOCK * BLOCK * width + place % BLOCK;
      int nextAt = next / BLOCK * BLOCK * width + next % BLOCK;
      FloatVector a = FloatVector.zero(FLOATS);
      FloatVector b = FloatVector.zero(FLOATS);
      FloatVector c = FloatVector.zero(FLOATS);
      FloatVector d = FloatVector.zero(FLOATS);
      FloatVector e = FloatVector.zero(FLOATS);
      FloatVector f = FloatVector.zero(FLOATS);
      for (int i = 0; i < width; i++) {
        FloatVector first = FloatVector.broadcast(FLOATS, queries[from + i]);
        FloatVector second = FloatVector.broadcast(FLOATS, queries[from + width + i]);
        FloatVector third = FloatVector.broadcast(FLOATS, queries[from + 2 * width + i]);
        FloatVector key = FloatVector.fromArray(FLOATS, k, at + i * BLOCK);
        a = key.fma(first, a);
        b = key.fma(second, b);
        c = key.fma(third, c);
        FloatVector other = FloatVector.fromArray(FLOATS, k, nextAt + i * BLOCK);
        d = other.fma(first, d);
        e = other.fma(second, e);
        f = other.fma(third, f);
      }
      FloatVector scale = FloatVector.fromArray(FLOATS, keyScales, place);
      a.mul(scale).intoArray(scores, to + place);
      b.mul(scale).intoArray(scores, to + place + SCORES);
      c.mul(scale).intoArray(scores, to + place + 2 * SCORES);
      FloatVector nextScale = FloatVector.fromArray(FLOATS, keyScales, next);
      d.mul(nextScale).intoArray(scores, to + next);
      e.mul(nextScale).intoArray(scores, to + next + SCORES);
      f.mul(nextScale).intoArray(scores, to + next + 2 * SCORES);
    }
  }

  private void scoresOfOne(float[] queries, int from, int to, int blocks) {
    for (int block = 0; block < blocks; block++) {
      for (int lane = 0; lane < BLOCK; lane += LENGTH) {
        FloatVector a = FloatVector.broadcast(FLOATS, 0);
        int at = block * BLOCK * size + lane;
        for (int d = 0; d < size; d++) {
          a =
              FloatVector.fromArray(FLOATS, keys, at + d * BLOCK)
                  .fma(FloatVector.broadcast(FLOATS, queries[from + d]), a);
        }
        a.mul(FloatVector.fromArray(FLOATS, keyScales, block * BLOCK + lane))
            .intoArray(scores, to + block * BLOCK + lane);
      }
    }
  }

  /** Turns scores into weights × scales of values; takes the higher peak into what there is. */
  private void weigh(int at, int query, float[] sums, int sumsAt, int places) {
    int end = (places + BLOCK - 1) / BLOCK * BLOCK;
    for (int i = places; i < end; i++) {
      scores[at + i] = Float.NEGATIVE_INFINITY;
    }
    FloatVector most = FloatVector.fromArray(FLOATS, scores, at);
    for (int i = LENGTH; i < end; i += LENGTH) {
      most = most.max(FloatVector.fromArray(FLOATS, scores, at + i));
    }
    float highest = most.reduceLanes(VectorOperators.MAX);
    float before = peaks[query];
    if (highest > before) {
      peaks[query] = highest;
      if (before > Float.NEGATIVE_INFINITY) {
        Arrays.fill(lanes, before);
        Lanes.exp(lanes, 0, LENGTH, highest);
        float factor = lanes[0];
        masses[query] *= factor;
        for (int i = sumsAt; i < sumsAt + size; i += LENGTH) {
          FloatVector.fromArray(FLOATS, sums, i).mul(factor).intoArray(sums, i);
        }
      }
    }
    Lanes.exp(scores, at, end, peaks[query]);
    FloatVector mass = FloatVector.zero(FLOATS);
    for (int i = 0; i < end; i += LENGTH) {
      FloatVector weight = FloatVector.fromArray(FLOATS, scores, at + i);
      mass = mass.add(weight);
      weight.mul(FloatVector.fromArray(FLOATS, valueScales, i)).intoArray(scores, at + i);
    }
    mass.intoArray(lanes, 0);
    float sum = 0;
    for (int i = 0; i < LENGTH; i++) {
      sum += lanes[i];
    }
    masses[query] += sum;
  }

  private void addValuesOfThree(float[] sums, int to, int weights, int places) {
    for (int d = 0; d < size; d += 2 * LENGTH) {
      FloatVector a0 = FloatVector.fromArray(FLOATS, sums, to + d);
      FloatVector a1 = FloatVector.fromArray(FLOATS, sums, to + d + LENGTH);
      FloatVector b0 = FloatVector.fromArray(FLOATS, sums, to + size + d);
      FloatVector b1 = FloatVector.fromArray(FLOATS, sums, to + size + d + LENGTH);
      FloatVector c0 = FloatVector.fromArray(FLOATS, sums, to + 2 * size + d);
      FloatVector c1 = FloatVector.fromArray(FLOATS, sums, to + 2 * size + d + LENGTH);
      for (int t = 0; t < places; t++) {
        FloatVector v0 = FloatVector.fromArray(FLOATS, values, t * size + d);
        FloatVector v1 = FloatVector.fromArray(FLOATS, values, t * size + d + LENGTH);
        FloatVector a = FloatVector.broadcast(FLOATS, scores[weights + t]);
        FloatVector b = FloatVector.broadcast(FLOATS, scores[weights + SCORES + t]);
        FloatVector c = FloatVector.broadcast(FLOATS, scores[weights + 2 * SCORES + t]);
        a0 = v0.fma(a, a0);
        a1 = v1.fma(a, a1);
        b0 = v0.fma(b, b0);
        b1 = v1.fma(b, b1);
        c0 = v0.fma(c, c0);
        c1 = v1.fma(c, c1);
      }
      a0.intoArray(sums, to + d);
      a1.intoArray(sums, to + d + LENGTH);
      b0.intoArray(sums, to + size + d);
      b1.intoArray(sums, to + size + d + LENGTH);
      c0.intoArray(sums, to + 2 * size + d);
      c1.intoArray(sums, to + 2 * size + d + LENGTH);
    }
  }

  private void addValuesOfOne(float[] sums, int to, int weights, int places) {
    for (int d = 0; d < size; d += 2 * LENGTH) {
      FloatVector a0 = FloatVector.fromArray(FLOATS, sums, to + d);
      FloatVector a1 = FloatVector.fromArray(FLOATS, sums, to + d + LENGTH);
      for (int t = 0; t < places; t++) {
        FloatVector weight = FloatVector.broadcast(FLOATS, scores[weights + t]);
        a0 = FloatVector.fromArray(FLOATS, values, t * size + d).fma(weight, a0);
        a1 = FloatVector.fromArray(FLOATS, values, t * size + d + LENGTH).fma(weight, a1);
      }
      a0.intoArray(sums, to + d);
      a1.intoArray(sums, to + d + LENGTH);
    }
  }
}
