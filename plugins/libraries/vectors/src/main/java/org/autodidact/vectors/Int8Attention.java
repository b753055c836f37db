package org.autodidact.vectors;

import static org.autodidact.vectors.Int8KvLayout.PACK;
import static org.autodidact.vectors.SimdLanes.FLOATS;
import static org.autodidact.vectors.SimdLanes.LENGTH;
import static org.autodidact.vectors.VectorSupport.SIMD_BLOCK;

import java.util.Arrays;
import jdk.incubator.vector.FloatVector;

/**
 * Attention of many queries over keys and values in int8 ({@link Int8KvLayout}), with an online
 * softmax (Milakov and Gimelshein, 2018): a query attends to one tile of tokens after another, each
 * dequantized once for all queries that read it. Not thread-safe: each thread has its own.
 *
 * <p>Scores are q · k; scaling is the caller's, in q.
 *
 * <p>Rows of dequantized tiles have a constant length, and a power of two: only then does the JVM's
 * compiler drop the bounds checks in the loops over them, and read three columns by one address.
 */
public final class Int8Attention {
  /** Tokens dequantized at once: their keys and values stay in the first-level cache. */
  public static final int TILE = 64;

  /** Scores of a query, with room for vectors that end beyond the tile. */
  private static final int SCORES = TILE + SIMD_BLOCK;

  /** AVX2 has 16 registers for vectors of 8 numbers; AVX-512 has 32 for vectors of 16. */
  private static final boolean FEW_REGISTERS = LENGTH == 8;

  /** The score of a token that a query does not see: its weight is next to 0. */
  private static final float MASKED_SCORE = -1e6f;

  private final int size;
  private final int queriesPerHead;

  /** The tile: keys [size, TILE], values [size / PACK, TILE, PACK], unscaled. */
  private final float[] keys;

  private final float[] values;
  private final float[] keyScales = new float[SCORES];
  private final float[] valueScales = new float[TILE];

  /** Scores, then weights × value scales, [queries per head, SCORES]. */
  private final float[] scores;

  private int prefetched;

  /** Highest score so far of each query. */
  private float[] maxima = new float[0];

  /** Sum of weights so far, [queries, LENGTH] lanes. */
  private float[] weightSums = new float[0];

  /**
   * @param size numbers of a head, as {@link Int8KvLayout#supports}
   * @param queriesPerHead query heads that read one head of keys
   */
  public Int8Attention(int size, int queriesPerHead) {
    this.size = size;
    this.queriesPerHead = queriesPerHead;
    this.keys = new float[TILE * size + SIMD_BLOCK];
    this.values = new float[TILE * size];
    this.scores = new float[queriesPerHead * SCORES];
  }

  /** Begins with {@code queries} queries; their outputs must be 0. */
  public void begin(int queries) {
    if (maxima.length < queries) {
      maxima = new float[queries];
      weightSums = new float[queries * LENGTH];
    }
    Arrays.fill(maxima, 0, queries, Float.NEGATIVE_INFINITY);
    Arrays.fill(weightSums, 0, queries * LENGTH, 0);
  }

  /**
   * Dequantizes a tile of one head: up to {@link #TILE} tokens from {@code start} on, a multiple of
   * {@link VectorSupport#SIMD_BLOCK}.
   *
   * @param words where the head's keys and values begin in their arrays
   * @param scales where its scales begin
   */
  public void dequantize(
      int[] headKeys,
      float[] headKeyScales,
      int[] headValues,
      float[] headValueScales,
      int words,
      int scales,
      int start,
      int tokens) {
    int wordsPerToken = size / 4;
    int from = words + start * wordsPerToken;
    prefetched +=
        prefetch(headKeys, from, tokens * wordsPerToken)
            + prefetch(headValues, from, tokens * wordsPerToken);
    Int8KvLayout.unpackKeys(
        headKeys, from, (tokens + SIMD_BLOCK - 1) / SIMD_BLOCK, wordsPerToken, keys, TILE);
    Int8KvLayout.unpackValues(headValues, from, tokens, wordsPerToken, values, TILE);
    System.arraycopy(headKeyScales, scales + start, keyScales, 0, tokens);
    System.arraycopy(headValueScales, scales + start, valueScales, 0, tokens);
  }

  /** Reads one word of each cache line, so that all of them are loaded at once. */
  private static int prefetch(int[] words, int from, int count) {
    int sum = 0;
    for (int i = from; i < from + count; i += SIMD_BLOCK) {
      sum += words[i];
    }
    return sum;
  }

  /**
   * Lets the queries of one token and key-value head attend to the first tokens of the tile.
   *
   * @param queries numbers [queriesPerHead, size] from {@code from} on
   * @param first the first one's index among those of {@link #begin}
   * @param outputs Σ weight × value, from {@code from} on, as the queries
   */
  public void attend(float[] queries, int from, int first, float[] outputs, int tokens) {
    int blocks = (tokens + SIMD_BLOCK - 1) / SIMD_BLOCK;
    int q = 0;
    for (; q + 3 <= queriesPerHead; q += 3) {
      scoresOfThree(queries, from + q * size, q * SCORES, blocks);
    }
    for (; q < queriesPerHead; q++) {
      scoresOfOne(queries, from + q * size, q * SCORES, blocks);
    }
    for (q = 0; q < queriesPerHead; q++) {
      softmax(q * SCORES, first + q, outputs, from + q * size, tokens);
    }
    q = 0;
    for (; q + 3 <= queriesPerHead; q += 3) {
      addValuesOfThree(outputs, from + q * size, q * SCORES, tokens);
    }
    for (; q < queriesPerHead; q++) {
      addValuesOfOne(outputs, from + q * size, q * SCORES, tokens);
    }
  }

  /** Divides the outputs of {@code count} queries, from {@code first} on, by their weights. */
  public void finish(float[] outputs, int from, int first, int count) {
    for (int q = 0; q < count; q++) {
      float sum = 0;
      for (int i = 0; i < LENGTH; i++) {
        sum += weightSums[(first + q) * LENGTH + i];
      }
      FloatVector factor = FloatVector.broadcast(FLOATS, 1 / sum);
      int start = from + q * size;
      for (int i = start; i < start + size; i += LENGTH) {
        FloatVector.fromArray(FLOATS, outputs, i).mul(factor).intoArray(outputs, i);
      }
    }
  }

  /**
   * Scores of three queries. With 32 registers four columns of tokens at a time, twelve sums that
   * do not wait for one another, and two where fewer are left: four would cost a tile of 16 tokens
   * two fifths more, two a tile of 64 a tenth. With 16 registers three columns: with four, the
   * compiler spills sums to memory, and a product takes 1.8 times as long.
   */
  private void scoresOfThree(float[] queries, int from, int to, int blocks) {
    int columns = blocks * SIMD_BLOCK / LENGTH;
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

  /** The last column may be beyond the tile; there is memory for it. */
  private void scoresOfFourColumns(float[] queries, int from, int to, int column) {
    float[] k = keys;
    int width = size;
    int start = column * LENGTH;
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
      FloatVector key = FloatVector.fromArray(FLOATS, k, start + i * TILE);
      a0 = key.fma(a, a0);
      b0 = key.fma(b, b0);
      c0 = key.fma(c, c0);
      key = FloatVector.fromArray(FLOATS, k, start + i * TILE + LENGTH);
      a1 = key.fma(a, a1);
      b1 = key.fma(b, b1);
      c1 = key.fma(c, c1);
      key = FloatVector.fromArray(FLOATS, k, start + i * TILE + 2 * LENGTH);
      a2 = key.fma(a, a2);
      b2 = key.fma(b, b2);
      c2 = key.fma(c, c2);
      key = FloatVector.fromArray(FLOATS, k, start + i * TILE + 3 * LENGTH);
      a3 = key.fma(a, a3);
      b3 = key.fma(b, b3);
      c3 = key.fma(c, c3);
    }
    FloatVector scale = FloatVector.fromArray(FLOATS, keyScales, start);
    a0.mul(scale).intoArray(scores, to + start);
    b0.mul(scale).intoArray(scores, to + SCORES + start);
    c0.mul(scale).intoArray(scores, to + 2 * SCORES + start);
    scale = FloatVector.fromArray(FLOATS, keyScales, start + LENGTH);
    a1.mul(scale).intoArray(scores, to + start + LENGTH);
    b1.mul(scale).intoArray(scores, to + SCORES + start + LENGTH);
    c1.mul(scale).intoArray(scores, to + 2 * SCORES + start + LENGTH);
    scale = FloatVector.fromArray(FLOATS, keyScales, start + 2 * LENGTH);
    a2.mul(scale).intoArray(scores, to + start + 2 * LENGTH);
    b2.mul(scale).intoArray(scores, to + SCORES + start + 2 * LENGTH);
    c2.mul(scale).intoArray(scores, to + 2 * SCORES + start + 2 * LENGTH);
    scale = FloatVector.fromArray(FLOATS, keyScales, start + 3 * LENGTH);
    a3.mul(scale).intoArray(scores, to + start + 3 * LENGTH);
    b3.mul(scale).intoArray(scores, to + SCORES + start + 3 * LENGTH);
    c3.mul(scale).intoArray(scores, to + 2 * SCORES + start + 3 * LENGTH);
  }

  /** The last columns may be beyond the tile; there is memory for them. */
  private void scoresOfThreeColumns(float[] queries, int from, int to, int column) {
    float[] k = keys;
    int width = size;
    int start = column * LENGTH;
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
      FloatVector key = FloatVector.fromArray(FLOATS, k, start + i * TILE);
      a0 = key.fma(a, a0);
      b0 = key.fma(b, b0);
      c0 = key.fma(c, c0);
      key = FloatVector.fromArray(FLOATS, k, start + i * TILE + LENGTH);
      a1 = key.fma(a, a1);
      b1 = key.fma(b, b1);
      c1 = key.fma(c, c1);
      key = FloatVector.fromArray(FLOATS, k, start + i * TILE + 2 * LENGTH);
      a2 = key.fma(a, a2);
      b2 = key.fma(b, b2);
      c2 = key.fma(c, c2);
    }
    FloatVector scale = FloatVector.fromArray(FLOATS, keyScales, start);
    a0.mul(scale).intoArray(scores, to + start);
    b0.mul(scale).intoArray(scores, to + SCORES + start);
    c0.mul(scale).intoArray(scores, to + 2 * SCORES + start);
    scale = FloatVector.fromArray(FLOATS, keyScales, start + LENGTH);
    a1.mul(scale).intoArray(scores, to + start + LENGTH);
    b1.mul(scale).intoArray(scores, to + SCORES + start + LENGTH);
    c1.mul(scale).intoArray(scores, to + 2 * SCORES + start + LENGTH);
    scale = FloatVector.fromArray(FLOATS, keyScales, start + 2 * LENGTH);
    a2.mul(scale).intoArray(scores, to + start + 2 * LENGTH);
    b2.mul(scale).intoArray(scores, to + SCORES + start + 2 * LENGTH);
    c2.mul(scale).intoArray(scores, to + 2 * SCORES + start + 2 * LENGTH);
  }

  /** The second column may be beyond the tile; there is memory for it. */
  private void scoresOfTwoColumns(float[] queries, int from, int to, int column) {
    float[] k = keys;
    int width = size;
    int start = column * LENGTH;
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
      FloatVector key = FloatVector.fromArray(FLOATS, k, start + i * TILE);
      a0 = key.fma(a, a0);
      b0 = key.fma(b, b0);
      c0 = key.fma(c, c0);
      key = FloatVector.fromArray(FLOATS, k, start + i * TILE + LENGTH);
      a1 = key.fma(a, a1);
      b1 = key.fma(b, b1);
      c1 = key.fma(c, c1);
    }
    FloatVector scale = FloatVector.fromArray(FLOATS, keyScales, start);
    a0.mul(scale).intoArray(scores, to + start);
    b0.mul(scale).intoArray(scores, to + SCORES + start);
    c0.mul(scale).intoArray(scores, to + 2 * SCORES + start);
    scale = FloatVector.fromArray(FLOATS, keyScales, start + LENGTH);
    a1.mul(scale).intoArray(scores, to + start + LENGTH);
    b1.mul(scale).intoArray(scores, to + SCORES + start + LENGTH);
    c1.mul(scale).intoArray(scores, to + 2 * SCORES + start + LENGTH);
  }

  private void scoresOfOne(float[] queries, int from, int to, int blocks) {
    for (int block = 0; block < blocks; block++) {
      for (int lane = 0; lane < SIMD_BLOCK; lane += LENGTH) {
        FloatVector a = FloatVector.broadcast(FLOATS, 0);
        int start = block * SIMD_BLOCK + lane;
        for (int d = 0; d < size; d++) {
          a =
              FloatVector.fromArray(FLOATS, keys, start + d * TILE)
                  .fma(FloatVector.broadcast(FLOATS, queries[from + d]), a);
        }
        a.mul(FloatVector.fromArray(FLOATS, keyScales, start)).intoArray(scores, to + start);
      }
    }
  }

  /**
   * One step of the online softmax of a query: turns its scores of the tile into weights × value
   * scales, and rescales its outputs and sum of weights where the tile has a higher score.
   */
  private void softmax(int from, int query, float[] outputs, int outputsFrom, int tokens) {
    int end = (tokens + SIMD_BLOCK - 1) / SIMD_BLOCK * SIMD_BLOCK;
    for (int i = tokens; i < end; i++) {
      scores[from + i] = MASKED_SCORE;
    }
    float max = SimdLanes.max(scores, from, end);
    float before = maxima[query];
    if (max > before) {
      maxima[query] = max;
      if (before > Float.NEGATIVE_INFINITY) {
        float factor = (float) Math.exp(before - max);
        FloatVector.fromArray(FLOATS, weightSums, query * LENGTH)
            .mul(factor)
            .intoArray(weightSums, query * LENGTH);
        for (int i = outputsFrom; i < outputsFrom + size; i += LENGTH) {
          FloatVector.fromArray(FLOATS, outputs, i).mul(factor).intoArray(outputs, i);
        }
      }
    }
    SimdLanes.exp(scores, from, end, maxima[query]);
    FloatVector sum = FloatVector.fromArray(FLOATS, weightSums, query * LENGTH);
    for (int i = 0; i < end; i += LENGTH) {
      FloatVector weight = FloatVector.fromArray(FLOATS, scores, from + i);
      sum = sum.add(weight);
      weight.mul(FloatVector.fromArray(FLOATS, valueScales, i)).intoArray(scores, from + i);
    }
    sum.intoArray(weightSums, query * LENGTH);
  }

  private void addValuesOfThree(float[] outputs, int to, int scoresFrom, int tokens) {
    for (int pack = 0; pack < size; pack += PACK) {
      if (FEW_REGISTERS) {
        for (int d = 0; d < PACK; d += 3 * LENGTH) {
          addThreeColumns(outputs, to + pack, pack * TILE, scoresFrom, tokens, d);
        }
      } else {
        addFourColumns(outputs, to + pack, pack * TILE, scoresFrom, tokens);
      }
    }
  }

  /**
   * Adds three columns of values from the {@code d}th number on. The last three may overlap those
   * before; sums that are stored already are not stored again.
   */
  private void addThreeColumns(
      float[] outputs, int to, int from, int scoresFrom, int tokens, int d) {
    float[] v = values;
    int width = size;
    int begin = Math.min(d, PACK - 3 * LENGTH);
    int a = to + begin;
    int b = a + width;
    int c = b + width;
    FloatVector a0 = FloatVector.fromArray(FLOATS, outputs, a);
    FloatVector a1 = FloatVector.fromArray(FLOATS, outputs, a + LENGTH);
    FloatVector a2 = FloatVector.fromArray(FLOATS, outputs, a + 2 * LENGTH);
    FloatVector b0 = FloatVector.fromArray(FLOATS, outputs, b);
    FloatVector b1 = FloatVector.fromArray(FLOATS, outputs, b + LENGTH);
    FloatVector b2 = FloatVector.fromArray(FLOATS, outputs, b + 2 * LENGTH);
    FloatVector c0 = FloatVector.fromArray(FLOATS, outputs, c);
    FloatVector c1 = FloatVector.fromArray(FLOATS, outputs, c + LENGTH);
    FloatVector c2 = FloatVector.fromArray(FLOATS, outputs, c + 2 * LENGTH);
    for (int t = 0; t < tokens; t++) {
      int index = from + begin + t * PACK;
      FloatVector first = FloatVector.broadcast(FLOATS, scores[scoresFrom + t]);
      FloatVector second = FloatVector.broadcast(FLOATS, scores[scoresFrom + SCORES + t]);
      FloatVector third = FloatVector.broadcast(FLOATS, scores[scoresFrom + 2 * SCORES + t]);
      FloatVector value = FloatVector.fromArray(FLOATS, v, index);
      a0 = value.fma(first, a0);
      b0 = value.fma(second, b0);
      c0 = value.fma(third, c0);
      value = FloatVector.fromArray(FLOATS, v, index + LENGTH);
      a1 = value.fma(first, a1);
      b1 = value.fma(second, b1);
      c1 = value.fma(third, c1);
      value = FloatVector.fromArray(FLOATS, v, index + 2 * LENGTH);
      a2 = value.fma(first, a2);
      b2 = value.fma(second, b2);
      c2 = value.fma(third, c2);
    }
    if (begin == d) {
      a0.intoArray(outputs, a);
      b0.intoArray(outputs, b);
      c0.intoArray(outputs, c);
    }
    if (begin + LENGTH >= d) {
      a1.intoArray(outputs, a + LENGTH);
      b1.intoArray(outputs, b + LENGTH);
      c1.intoArray(outputs, c + LENGTH);
    }
    a2.intoArray(outputs, a + 2 * LENGTH);
    b2.intoArray(outputs, b + 2 * LENGTH);
    c2.intoArray(outputs, c + 2 * LENGTH);
  }

  private void addFourColumns(float[] outputs, int to, int from, int scoresFrom, int tokens) {
    float[] v = values;
    int width = size;
    for (int d = 0; d < PACK; d += 4 * LENGTH) {
      int b = to + width + d;
      int c = to + 2 * width + d;
      int a = to + d;
      FloatVector a0 = FloatVector.fromArray(FLOATS, outputs, a);
      FloatVector a1 = FloatVector.fromArray(FLOATS, outputs, a + LENGTH);
      FloatVector a2 = FloatVector.fromArray(FLOATS, outputs, a + 2 * LENGTH);
      FloatVector a3 = FloatVector.fromArray(FLOATS, outputs, a + 3 * LENGTH);
      FloatVector b0 = FloatVector.fromArray(FLOATS, outputs, b);
      FloatVector b1 = FloatVector.fromArray(FLOATS, outputs, b + LENGTH);
      FloatVector b2 = FloatVector.fromArray(FLOATS, outputs, b + 2 * LENGTH);
      FloatVector b3 = FloatVector.fromArray(FLOATS, outputs, b + 3 * LENGTH);
      FloatVector c0 = FloatVector.fromArray(FLOATS, outputs, c);
      FloatVector c1 = FloatVector.fromArray(FLOATS, outputs, c + LENGTH);
      FloatVector c2 = FloatVector.fromArray(FLOATS, outputs, c + 2 * LENGTH);
      FloatVector c3 = FloatVector.fromArray(FLOATS, outputs, c + 3 * LENGTH);
      for (int t = 0; t < tokens; t++) {
        int index = from + d + t * PACK;
        FloatVector first = FloatVector.broadcast(FLOATS, scores[scoresFrom + t]);
        FloatVector second = FloatVector.broadcast(FLOATS, scores[scoresFrom + SCORES + t]);
        FloatVector third = FloatVector.broadcast(FLOATS, scores[scoresFrom + 2 * SCORES + t]);
        FloatVector value = FloatVector.fromArray(FLOATS, v, index);
        a0 = value.fma(first, a0);
        b0 = value.fma(second, b0);
        c0 = value.fma(third, c0);
        value = FloatVector.fromArray(FLOATS, v, index + LENGTH);
        a1 = value.fma(first, a1);
        b1 = value.fma(second, b1);
        c1 = value.fma(third, c1);
        value = FloatVector.fromArray(FLOATS, v, index + 2 * LENGTH);
        a2 = value.fma(first, a2);
        b2 = value.fma(second, b2);
        c2 = value.fma(third, c2);
        value = FloatVector.fromArray(FLOATS, v, index + 3 * LENGTH);
        a3 = value.fma(first, a3);
        b3 = value.fma(second, b3);
        c3 = value.fma(third, c3);
      }
      a0.intoArray(outputs, a);
      a1.intoArray(outputs, a + LENGTH);
      a2.intoArray(outputs, a + 2 * LENGTH);
      a3.intoArray(outputs, a + 3 * LENGTH);
      b0.intoArray(outputs, b);
      b1.intoArray(outputs, b + LENGTH);
      b2.intoArray(outputs, b + 2 * LENGTH);
      b3.intoArray(outputs, b + 3 * LENGTH);
      c0.intoArray(outputs, c);
      c1.intoArray(outputs, c + LENGTH);
      c2.intoArray(outputs, c + 2 * LENGTH);
      c3.intoArray(outputs, c + 3 * LENGTH);
    }
  }

  private void addValuesOfOne(float[] outputs, int to, int scoresFrom, int tokens) {
    for (int d = 0; d < size; d += 2 * LENGTH) {
      int first = d / PACK * PACK * TILE + d % PACK;
      FloatVector a0 = FloatVector.fromArray(FLOATS, outputs, to + d);
      FloatVector a1 = FloatVector.fromArray(FLOATS, outputs, to + d + LENGTH);
      for (int t = 0; t < tokens; t++) {
        FloatVector weight = FloatVector.broadcast(FLOATS, scores[scoresFrom + t]);
        a0 = FloatVector.fromArray(FLOATS, values, first + t * PACK).fma(weight, a0);
        a1 = FloatVector.fromArray(FLOATS, values, first + t * PACK + LENGTH).fma(weight, a1);
      }
      a0.intoArray(outputs, to + d);
      a1.intoArray(outputs, to + d + LENGTH);
    }
  }
}
