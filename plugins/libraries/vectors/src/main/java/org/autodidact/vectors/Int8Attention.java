package org.autodidact.vectors;

import static org.autodidact.vectors.Int8KvLayout.PART;
import static org.autodidact.vectors.SimdLanes.FLOATS;
import static org.autodidact.vectors.SimdLanes.LENGTH;
import static org.autodidact.vectors.VectorSupport.BLOCK;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Attention of many queries over keys and values in 8 bits ({@link Int8KvLayout}), with the softmax
 * kept as it goes (Milakov and Gimelshein, 2018), so that a query can attend to one stretch of
 * places after another, each of them unfolded once for all queries that read it. Not thread-safe:
 * each thread has its own.
 *
 * <p>Scores are q · k; whoever wants them scaled scales q.
 *
 * <p>Rows of what is unfolded have a length that the JVM's compiler knows, and a power of two: only
 * then does it leave out the checks of bounds in the loops over them, and reads three columns by
 * one address.
 */
public final class Int8Attention {
  /** Places that are unfolded at once: keys and values of them stay in the first cache. */
  public static final int STRETCH = 64;

  /** Scores of a query: the last vectors may be of places beyond the stretch. */
  private static final int SCORES = STRETCH + BLOCK;

  /** Vectors of 8 numbers are AVX2's, which has 16 registers; those of 16 have 32. */
  private static final boolean FEW_REGISTERS = LENGTH == 8;

  /** The score of a place that a query does not see: its weight is next to 0. */
  private static final float NOT_SEEN = -1e6f;

  private final int size;
  private final int queriesPerHead;
  private final float[] keys;
  private final float[] values;
  private final float[] keyScales = new float[SCORES];
  private final float[] valueScales = new float[STRETCH];
  private final float[] scores;
  private int touched;
  private float[] peaks = new float[0];
  private float[] masses = new float[0];

  /**
   * @param size numbers of a head, as {@link Int8KvLayout#supports}
   * @param queriesPerHead query heads that read one head of keys
   */
  public Int8Attention(int size, int queriesPerHead) {
    this.size = size;
    this.queriesPerHead = queriesPerHead;
    this.keys = new float[STRETCH * size + BLOCK];
    this.values = new float[STRETCH * size];
    this.scores = new float[queriesPerHead * SCORES];
  }

  /** Begins anew with {@code queries} queries; {@code sums} must be 0. */
  public void begin(int queries) {
    if (peaks.length < queries) {
      peaks = new float[queries];
      masses = new float[queries * LENGTH];
    }
    Arrays.fill(peaks, 0, queries, Float.NEGATIVE_INFINITY);
    Arrays.fill(masses, 0, queries * LENGTH, 0);
  }

  /**
   * Unfolds a stretch of one head: up to {@link #STRETCH} places from {@code start} on, which is a
   * multiple of {@link VectorSupport#BLOCK}.
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
    Int8KvLayout.unfoldKeys(headKeys, from, (places + BLOCK - 1) / BLOCK, quarter, keys, STRETCH);
    Int8KvLayout.unfoldValues(headValues, from, places, quarter, values, STRETCH);
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
      float mass = 0;
      for (int i = 0; i < LENGTH; i++) {
        mass += masses[(first + q) * LENGTH + i];
      }
      FloatVector factor = FloatVector.broadcast(FLOATS, 1 / mass);
      int at = from + q * size;
      for (int i = at; i < at + size; i += LENGTH) {
        FloatVector.fromArray(FLOATS, sums, i).mul(factor).intoArray(sums, i);
      }
    }
  }

  /**
   * Of 32 registers four columns of places at a time, twelve sums that do not wait for one another;
   * two where there are no more: four would cost a stretch of 16 places two fifths more, two a
   * stretch of 64 a tenth. Of 16 registers three columns: with four, the compiler puts sums into
   * memory, and a product takes 1.8 times as long.
   */
  private void scoresOfThree(float[] queries, int from, int to, int blocks) {
    int columns = blocks * BLOCK / LENGTH;
    int column = 0;
    if (FEW_REGISTERS) {
      for (; column < columns; column += 3) {
        scoresOfThreeColumns(queries, from, to, column);
      }
      return;
    }
    for (; column + 2 < columns; column += 4) {
      scoresOfFourColumns(queries, from, to, column);
    }
    for (; column < columns; column += 2) {
      scoresOfTwoColumns(queries, from, to, column);
    }
  }

  /** The last may be of places that nobody asked for; there is memory for it. */
  private void scoresOfFourColumns(float[] queries, int from, int to, int column) {
    float[] k = keys;
    int width = size;
    int at = column * LENGTH;
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector a3 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector b2 = a0;
    FloatVector b3 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector c2 = a0;
    FloatVector c3 = a0;
    for (int i = 0; i < width; i++) {
      FloatVector a = FloatVector.broadcast(FLOATS, queries[from + i]);
      FloatVector b = FloatVector.broadcast(FLOATS, queries[from + width + i]);
      FloatVector c = FloatVector.broadcast(FLOATS, queries[from + 2 * width + i]);
      FloatVector key = FloatVector.fromArray(FLOATS, k, at + i * STRETCH);
      a0 = key.fma(a, a0);
      b0 = key.fma(b, b0);
      c0 = key.fma(c, c0);
      key = FloatVector.fromArray(FLOATS, k, at + i * STRETCH + LENGTH);
      a1 = key.fma(a, a1);
      b1 = key.fma(b, b1);
      c1 = key.fma(c, c1);
      key = FloatVector.fromArray(FLOATS, k, at + i * STRETCH + 2 * LENGTH);
      a2 = key.fma(a, a2);
      b2 = key.fma(b, b2);
      c2 = key.fma(c, c2);
      key = FloatVector.fromArray(FLOATS, k, at + i * STRETCH + 3 * LENGTH);
      a3 = key.fma(a, a3);
      b3 = key.fma(b, b3);
      c3 = key.fma(c, c3);
    }
    int place = column * LENGTH;
    FloatVector scale = FloatVector.fromArray(FLOATS, keyScales, place);
    a0.mul(scale).intoArray(scores, to + place);
    b0.mul(scale).intoArray(scores, to + SCORES + place);
    c0.mul(scale).intoArray(scores, to + 2 * SCORES + place);
    scale = FloatVector.fromArray(FLOATS, keyScales, place + LENGTH);
    a1.mul(scale).intoArray(scores, to + place + LENGTH);
    b1.mul(scale).intoArray(scores, to + SCORES + place + LENGTH);
    c1.mul(scale).intoArray(scores, to + 2 * SCORES + place + LENGTH);
    scale = FloatVector.fromArray(FLOATS, keyScales, place + 2 * LENGTH);
    a2.mul(scale).intoArray(scores, to + place + 2 * LENGTH);
    b2.mul(scale).intoArray(scores, to + SCORES + place + 2 * LENGTH);
    c2.mul(scale).intoArray(scores, to + 2 * SCORES + place + 2 * LENGTH);
    scale = FloatVector.fromArray(FLOATS, keyScales, place + 3 * LENGTH);
    a3.mul(scale).intoArray(scores, to + place + 3 * LENGTH);
    b3.mul(scale).intoArray(scores, to + SCORES + place + 3 * LENGTH);
    c3.mul(scale).intoArray(scores, to + 2 * SCORES + place + 3 * LENGTH);
  }

  /** The last ones may be of places that nobody asked for; there is memory for them. */
  private void scoresOfThreeColumns(float[] queries, int from, int to, int column) {
    float[] k = keys;
    int width = size;
    int at = column * LENGTH;
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector a2 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector b2 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    FloatVector c2 = a0;
    for (int i = 0; i < width; i++) {
      FloatVector a = FloatVector.broadcast(FLOATS, queries[from + i]);
      FloatVector b = FloatVector.broadcast(FLOATS, queries[from + width + i]);
      FloatVector c = FloatVector.broadcast(FLOATS, queries[from + 2 * width + i]);
      FloatVector key = FloatVector.fromArray(FLOATS, k, at + i * STRETCH);
      a0 = key.fma(a, a0);
      b0 = key.fma(b, b0);
      c0 = key.fma(c, c0);
      key = FloatVector.fromArray(FLOATS, k, at + i * STRETCH + LENGTH);
      a1 = key.fma(a, a1);
      b1 = key.fma(b, b1);
      c1 = key.fma(c, c1);
      key = FloatVector.fromArray(FLOATS, k, at + i * STRETCH + 2 * LENGTH);
      a2 = key.fma(a, a2);
      b2 = key.fma(b, b2);
      c2 = key.fma(c, c2);
    }
    int place = column * LENGTH;
    FloatVector scale = FloatVector.fromArray(FLOATS, keyScales, place);
    a0.mul(scale).intoArray(scores, to + place);
    b0.mul(scale).intoArray(scores, to + SCORES + place);
    c0.mul(scale).intoArray(scores, to + 2 * SCORES + place);
    scale = FloatVector.fromArray(FLOATS, keyScales, place + LENGTH);
    a1.mul(scale).intoArray(scores, to + place + LENGTH);
    b1.mul(scale).intoArray(scores, to + SCORES + place + LENGTH);
    c1.mul(scale).intoArray(scores, to + 2 * SCORES + place + LENGTH);
    scale = FloatVector.fromArray(FLOATS, keyScales, place + 2 * LENGTH);
    a2.mul(scale).intoArray(scores, to + place + 2 * LENGTH);
    b2.mul(scale).intoArray(scores, to + SCORES + place + 2 * LENGTH);
    c2.mul(scale).intoArray(scores, to + 2 * SCORES + place + 2 * LENGTH);
  }

  /** The second may be of places that nobody asked for; there is memory for it. */
  private void scoresOfTwoColumns(float[] queries, int from, int to, int column) {
    float[] k = keys;
    int width = size;
    int at = column * LENGTH;
    FloatVector a0 = FloatVector.zero(FLOATS);
    FloatVector a1 = a0;
    FloatVector b0 = a0;
    FloatVector b1 = a0;
    FloatVector c0 = a0;
    FloatVector c1 = a0;
    for (int i = 0; i < width; i++) {
      FloatVector a = FloatVector.broadcast(FLOATS, queries[from + i]);
      FloatVector b = FloatVector.broadcast(FLOATS, queries[from + width + i]);
      FloatVector c = FloatVector.broadcast(FLOATS, queries[from + 2 * width + i]);
      FloatVector key = FloatVector.fromArray(FLOATS, k, at + i * STRETCH);
      a0 = key.fma(a, a0);
      b0 = key.fma(b, b0);
      c0 = key.fma(c, c0);
      key = FloatVector.fromArray(FLOATS, k, at + i * STRETCH + LENGTH);
      a1 = key.fma(a, a1);
      b1 = key.fma(b, b1);
      c1 = key.fma(c, c1);
    }
    int place = column * LENGTH;
    FloatVector scale = FloatVector.fromArray(FLOATS, keyScales, place);
    a0.mul(scale).intoArray(scores, to + place);
    b0.mul(scale).intoArray(scores, to + SCORES + place);
    c0.mul(scale).intoArray(scores, to + 2 * SCORES + place);
    scale = FloatVector.fromArray(FLOATS, keyScales, place + LENGTH);
    a1.mul(scale).intoArray(scores, to + place + LENGTH);
    b1.mul(scale).intoArray(scores, to + SCORES + place + LENGTH);
    c1.mul(scale).intoArray(scores, to + 2 * SCORES + place + LENGTH);
  }

  private void scoresOfOne(float[] queries, int from, int to, int blocks) {
    for (int block = 0; block < blocks; block++) {
      for (int lane = 0; lane < BLOCK; lane += LENGTH) {
        FloatVector a = FloatVector.broadcast(FLOATS, 0);
        int at = block * BLOCK + lane;
        for (int d = 0; d < size; d++) {
          a =
              FloatVector.fromArray(FLOATS, keys, at + d * STRETCH)
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
      scores[at + i] = NOT_SEEN;
    }
    float highest = SimdLanes.highest(scores, at, end);
    float before = peaks[query];
    if (highest > before) {
      peaks[query] = highest;
      if (before > Float.NEGATIVE_INFINITY) {
        float factor = (float) Math.exp(before - highest);
        FloatVector.fromArray(FLOATS, masses, query * LENGTH)
            .mul(factor)
            .intoArray(masses, query * LENGTH);
        for (int i = sumsAt; i < sumsAt + size; i += LENGTH) {
          FloatVector.fromArray(FLOATS, sums, i).mul(factor).intoArray(sums, i);
        }
      }
    }
    SimdLanes.exp(scores, at, end, peaks[query]);
    FloatVector mass = FloatVector.fromArray(FLOATS, masses, query * LENGTH);
    for (int i = 0; i < end; i += LENGTH) {
      FloatVector weight = FloatVector.fromArray(FLOATS, scores, at + i);
      mass = mass.add(weight);
      weight.mul(FloatVector.fromArray(FLOATS, valueScales, i)).intoArray(scores, at + i);
    }
    mass.intoArray(masses, query * LENGTH);
  }

  private void addValuesOfThree(float[] sums, int to, int weights, int places) {
    for (int part = 0; part < size; part += PART) {
      if (FEW_REGISTERS) {
        for (int d = 0; d < PART; d += 3 * LENGTH) {
          addThreeColumns(sums, to + part, part * STRETCH, weights, places, d);
        }
      } else {
        addFourColumns(sums, to + part, part * STRETCH, weights, places);
      }
    }
  }

  /**
   * Columns of values from the {@code d}th number on. The last three may begin before it: what they
   * come to there is there already.
   */
  private void addThreeColumns(float[] sums, int to, int from, int weights, int places, int d) {
    float[] v = values;
    int width = size;
    int begin = Math.min(d, PART - 3 * LENGTH);
    int a = to + begin;
    int b = a + width;
    int c = b + width;
    FloatVector a0 = FloatVector.fromArray(FLOATS, sums, a);
    FloatVector a1 = FloatVector.fromArray(FLOATS, sums, a + LENGTH);
    FloatVector a2 = FloatVector.fromArray(FLOATS, sums, a + 2 * LENGTH);
    FloatVector b0 = FloatVector.fromArray(FLOATS, sums, b);
    FloatVector b1 = FloatVector.fromArray(FLOATS, sums, b + LENGTH);
    FloatVector b2 = FloatVector.fromArray(FLOATS, sums, b + 2 * LENGTH);
    FloatVector c0 = FloatVector.fromArray(FLOATS, sums, c);
    FloatVector c1 = FloatVector.fromArray(FLOATS, sums, c + LENGTH);
    FloatVector c2 = FloatVector.fromArray(FLOATS, sums, c + 2 * LENGTH);
    for (int t = 0; t < places; t++) {
      int at = from + begin + t * PART;
      FloatVector first = FloatVector.broadcast(FLOATS, scores[weights + t]);
      FloatVector second = FloatVector.broadcast(FLOATS, scores[weights + SCORES + t]);
      FloatVector third = FloatVector.broadcast(FLOATS, scores[weights + 2 * SCORES + t]);
      FloatVector value = FloatVector.fromArray(FLOATS, v, at);
      a0 = value.fma(first, a0);
      b0 = value.fma(second, b0);
      c0 = value.fma(third, c0);
      value = FloatVector.fromArray(FLOATS, v, at + LENGTH);
      a1 = value.fma(first, a1);
      b1 = value.fma(second, b1);
      c1 = value.fma(third, c1);
      value = FloatVector.fromArray(FLOATS, v, at + 2 * LENGTH);
      a2 = value.fma(first, a2);
      b2 = value.fma(second, b2);
      c2 = value.fma(third, c2);
    }
    if (begin == d) {
      a0.intoArray(sums, a);
      b0.intoArray(sums, b);
      c0.intoArray(sums, c);
    }
    if (begin + LENGTH >= d) {
      a1.intoArray(sums, a + LENGTH);
      b1.intoArray(sums, b + LENGTH);
      c1.intoArray(sums, c + LENGTH);
    }
    a2.intoArray(sums, a + 2 * LENGTH);
    b2.intoArray(sums, b + 2 * LENGTH);
    c2.intoArray(sums, c + 2 * LENGTH);
  }

  private void addFourColumns(float[] sums, int to, int from, int weights, int places) {
    float[] v = values;
    int width = size;
    for (int d = 0; d < PART; d += 4 * LENGTH) {
      int b = to + width + d;
      int c = to + 2 * width + d;
      int a = to + d;
      FloatVector a0 = FloatVector.fromArray(FLOATS, sums, a);
      FloatVector a1 = FloatVector.fromArray(FLOATS, sums, a + LENGTH);
      FloatVector a2 = FloatVector.fromArray(FLOATS, sums, a + 2 * LENGTH);
      FloatVector a3 = FloatVector.fromArray(FLOATS, sums, a + 3 * LENGTH);
      FloatVector b0 = FloatVector.fromArray(FLOATS, sums, b);
      FloatVector b1 = FloatVector.fromArray(FLOATS, sums, b + LENGTH);
      FloatVector b2 = FloatVector.fromArray(FLOATS, sums, b + 2 * LENGTH);
      FloatVector b3 = FloatVector.fromArray(FLOATS, sums, b + 3 * LENGTH);
      FloatVector c0 = FloatVector.fromArray(FLOATS, sums, c);
      FloatVector c1 = FloatVector.fromArray(FLOATS, sums, c + LENGTH);
      FloatVector c2 = FloatVector.fromArray(FLOATS, sums, c + 2 * LENGTH);
      FloatVector c3 = FloatVector.fromArray(FLOATS, sums, c + 3 * LENGTH);
      for (int t = 0; t < places; t++) {
        int at = from + d + t * PART;
        FloatVector first = FloatVector.broadcast(FLOATS, scores[weights + t]);
        FloatVector second = FloatVector.broadcast(FLOATS, scores[weights + SCORES + t]);
        FloatVector third = FloatVector.broadcast(FLOATS, scores[weights + 2 * SCORES + t]);
        FloatVector value = FloatVector.fromArray(FLOATS, v, at);
        a0 = value.fma(first, a0);
        b0 = value.fma(second, b0);
        c0 = value.fma(third, c0);
        value = FloatVector.fromArray(FLOATS, v, at + LENGTH);
        a1 = value.fma(first, a1);
        b1 = value.fma(second, b1);
        c1 = value.fma(third, c1);
        value = FloatVector.fromArray(FLOATS, v, at + 2 * LENGTH);
        a2 = value.fma(first, a2);
        b2 = value.fma(second, b2);
        c2 = value.fma(third, c2);
        value = FloatVector.fromArray(FLOATS, v, at + 3 * LENGTH);
        a3 = value.fma(first, a3);
        b3 = value.fma(second, b3);
        c3 = value.fma(third, c3);
      }
      a0.intoArray(sums, a);
      a1.intoArray(sums, a + LENGTH);
      a2.intoArray(sums, a + 2 * LENGTH);
      a3.intoArray(sums, a + 3 * LENGTH);
      b0.intoArray(sums, b);
      b1.intoArray(sums, b + LENGTH);
      b2.intoArray(sums, b + 2 * LENGTH);
      b3.intoArray(sums, b + 3 * LENGTH);
      c0.intoArray(sums, c);
      c1.intoArray(sums, c + LENGTH);
      c2.intoArray(sums, c + 2 * LENGTH);
      c3.intoArray(sums, c + 3 * LENGTH);
    }
  }

  private void addValuesOfOne(float[] sums, int to, int weights, int places) {
    for (int d = 0; d < size; d += 2 * LENGTH) {
      int at = d / PART * PART * STRETCH + d % PART;
      FloatVector a0 = FloatVector.fromArray(FLOATS, sums, to + d);
      FloatVector a1 = FloatVector.fromArray(FLOATS, sums, to + d + LENGTH);
      for (int t = 0; t < places; t++) {
        FloatVector weight = FloatVector.broadcast(FLOATS, scores[weights + t]);
        a0 = FloatVector.fromArray(FLOATS, values, at + t * PART).fma(weight, a0);
        a1 = FloatVector.fromArray(FLOATS, values, at + t * PART + LENGTH).fma(weight, a1);
      }
      a0.intoArray(sums, to + d);
      a1.intoArray(sums, to + d + LENGTH);
    }
  }
}
