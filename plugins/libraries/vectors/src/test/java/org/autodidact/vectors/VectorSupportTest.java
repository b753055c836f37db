package org.autodidact.vectors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;

/** Each against the formula in double precision. */
class VectorSupportTest {
  private static final int SIZE = 64;
  private static final int QUARTER = SIZE / 4;

  private static float[] normal(Random random, int count) {
    float[] x = new float[count];
    for (int i = 0; i < count; i++) {
      x[i] = (float) random.nextGaussian();
    }
    return x;
  }

  @Property(tries = 50)
  void roundingIsToTheNearestOf255(
      @ForAll Random random, @ForAll @IntRange(min = 1, max = 40) int blocks) {
    int width = blocks * VectorSupport.SIMD_BLOCK;
    float[] x = normal(random, width + 3);
    byte[] bytes = new byte[width + 5];
    float scale = new RowKernels().quantize(x, 3, width, bytes, 5);
    for (int i = 0; i < width; i++) {
      int level = (bytes[5 + i] & 255) - 128;
      assertThat(level * scale).isCloseTo(x[3 + i], within(scale * 0.5001f));
    }
  }

  @Property(tries = 50)
  void twoBytesAreGoodTo16Bits(
      @ForAll Random random, @ForAll @IntRange(min = 1, max = 40) int blocks) {
    int width = blocks * VectorSupport.SIMD_BLOCK;
    float[] x = normal(random, width + 3);
    byte[] bytes = new byte[width + 5];
    byte[] rest = new byte[width + 7];
    RowKernels kernels = new RowKernels();
    float scale = kernels.quantize(x, 3, width, bytes, 5);
    kernels.quantizeLow(x, 3, width, bytes, 5, rest, 7);
    float[] whole = new float[width];
    float[] small = new float[width];
    for (int i = 0; i < width; i++) {
      whole[i] = (bytes[5 + i] & 255) - 128;
      small[i] = (rest[7 + i] & 255) - 128;
    }
    kernels.addLow(whole, 0, small, width);
    for (int i = 0; i < width; i++) {
      assertThat(whole[i] * scale).isCloseTo(x[3 + i], within(scale * 0.003f));
    }
  }

  @Property(tries = 50)
  void aNormedRowHasMeanSquareOne(
      @ForAll Random random, @ForAll @IntRange(min = 4, max = 40) int blocks) {
    int width = blocks * VectorSupport.SIMD_BLOCK;
    float[] x = normal(random, width);
    byte[] bytes = new byte[width];
    float[] normed = new float[width];
    new RowKernels().norm(x, 0, width, 1e-5f, normed);
    float scale = new RowKernels().quantize(normed, 0, width, bytes, 0);
    double squares = 0;
    for (float v : x) {
      squares += (double) v * v;
    }
    double rms = Math.sqrt(squares / width + 1e-5);
    for (int i = 0; i < width; i++) {
      assertThat(((bytes[i] & 255) - 128) * scale)
          .isCloseTo((float) (x[i] / rms), within(scale * 0.501f));
    }
  }

  @Property(tries = 30)
  void gatesRotationsAndAnglesAreTheFormulas(@ForAll Random random) {
    RowKernels kernels = new RowKernels();
    float[] gate = normal(random, 96);
    float[] up = normal(random, 96);
    float[] found = gate.clone();
    kernels.gate(found, 0, up, 0, 96);
    for (int i = 0; i < 96; i++) {
      double expected = gate[i] / (1 + Math.exp(-gate[i])) * up[i];
      assertThat((double) found[i]).isCloseTo(expected, within(1e-6 * (1 + Math.abs(expected))));
    }
    for (int size : new int[] {32, 64, 128}) {
      float[] x = normal(random, 256);
      float[] turned = x.clone();
      kernels.hadamard(turned, 0, 256, size);
      double dot = 0;
      for (int i = 0; i < size; i++) {
        dot += x[i] * (Integer.bitCount(i & 5) % 2 == 0 ? 1 : -1) / Math.sqrt(size);
      }
      assertThat((double) turned[5]).isCloseTo(dot, within(1e-5));
      kernels.hadamard(turned, 0, 256, size);
      assertThat(turned).containsExactly(x, within(1e-5f));
    }
    float[] head = normal(random, SIZE);
    float[] rotated = head.clone();
    float[] cosines = new float[SIZE];
    float[] sines = new float[SIZE];
    for (int i = 0; i < SIZE; i++) {
      cosines[i] = (float) Math.cos(i);
      sines[i] = (float) Math.sin(i);
    }
    kernels.rope(rotated, 0, SIZE, cosines, sines, 1);
    for (int i = 0; i < SIZE / 2; i++) {
      double c = cosines[SIZE / 2 + i];
      double s = sines[SIZE / 2 + i];
      double a = head[i];
      double b = head[SIZE / 2 + i];
      assertThat((double) rotated[i]).isCloseTo(a * c - b * s, within(1e-5));
      assertThat((double) rotated[SIZE / 2 + i]).isCloseTo(b * c + a * s, within(1e-5));
    }
  }

  @Property(tries = 200)
  void thePeakIsTheHighestLogit(@ForAll @Size(min = 1, max = 70) float[] logits) {
    float highest = Float.NEGATIVE_INFINITY;
    for (float logit : logits) {
      highest = Math.max(highest, logit);
    }
    assertThat(Softmax.max(logits, 0, logits.length)).isEqualTo(highest);
  }

  @Property(tries = 30)
  void probabilitiesAreThoseOfTheSoftmax(
      @ForAll Random random, @ForAll @IntRange(min = 1, max = 100) int width) {
    float[] logits = normal(random, width + 2);
    float factor = 1.4f;
    float peak = Softmax.max(logits, 2, width);
    double sum = 0;
    for (int i = 0; i < width; i++) {
      assertThat(logits[2 + i]).isLessThanOrEqualTo(peak);
      sum += Math.exp((logits[2 + i] - (double) peak) * factor);
    }
    float[] found = new float[width];
    assertThat(Softmax.exp(logits, 2, width, peak, factor, found))
        .isCloseTo(sum, within(1e-6 * sum));
    Softmax.probabilities(logits, 2, width, peak, factor, found);
    for (int i = 0; i < width; i++) {
      double expected = Math.exp((logits[2 + i] - (double) peak) * factor) / sum;
      assertThat((double) found[i]).isCloseTo(expected, within(1e-6));
    }
  }

  /** Keys and values of one head, as they stand in a cache. */
  private static final class Head {
    private final int[] keys;
    private final int[] values;
    private final float[] keyScales;
    private final float[] valueScales;
    private final float[][] exactKeys;
    private final float[][] exactValues;

    Head(Random random, int tokens) {
      int room =
          (tokens + VectorSupport.SIMD_BLOCK - 1)
              / VectorSupport.SIMD_BLOCK
              * VectorSupport.SIMD_BLOCK;
      keys = new int[room * QUARTER];
      values = new int[room * QUARTER];
      keyScales = new float[room];
      valueScales = new float[room];
      exactKeys = new float[tokens][];
      exactValues = new float[tokens][];
      int[] packed = new int[QUARTER];
      for (int t = 0; t < tokens; t++) {
        float[] key = normal(random, SIZE);
        float[] value = normal(random, SIZE);
        keyScales[t] = Int8KvLayout.pack(key, 0, SIZE, packed, 0);
        Int8KvLayout.putKey(packed, QUARTER, keys, 0, t);
        exactKeys[t] = unpacked(packed, 0, keyScales[t]);
        valueScales[t] = Int8KvLayout.pack(value, 0, SIZE, values, t * QUARTER);
        exactValues[t] = unpacked(values, t * QUARTER, valueScales[t]);
        for (int d = 0; d < SIZE; d++) {
          assertThat(exactKeys[t][d]).isCloseTo(key[d], within(keyScales[t] * 0.501f));
        }
      }
    }

    private static float[] unpacked(int[] words, int from, float scale) {
      float[] x = new float[SIZE];
      for (int g = 0; g < QUARTER; g++) {
        for (int b = 0; b < 4; b++) {
          x[b * QUARTER + g] = (byte) (words[from + g] >> 8 * b) * scale;
        }
      }
      return x;
    }

    void attend(Int8Attention attention, float[] queries, int from, int first, float[] sums) {
      int tokens = exactKeys.length;
      for (int start = 0; start < tokens; start += Int8Attention.TILE) {
        int tile = Math.min(Int8Attention.TILE, tokens - start);
        attention.dequantize(keys, keyScales, values, valueScales, 0, 0, start, tile);
        attention.attend(queries, from, first, sums, tile);
      }
    }
  }

  @Property(tries = 60)
  void attentionOverTwoStretchesIsTheSoftmaxOverBoth(
      @ForAll Random random,
      @ForAll @IntRange(min = 1, max = 7) int queriesPerHead,
      @ForAll @IntRange(min = 1, max = 200) int before,
      @ForAll @IntRange(min = 1, max = 90) int own) {
    Head shared = new Head(random, before);
    Head alone = new Head(random, own);
    float[] queries = normal(random, queriesPerHead * SIZE);
    float[] sums = new float[queries.length];
    Int8Attention attention = new Int8Attention(SIZE, queriesPerHead);
    attention.begin(queriesPerHead);
    shared.attend(attention, queries, 0, 0, sums);
    alone.attend(attention, queries, 0, 0, sums);
    attention.finish(sums, 0, 0, queriesPerHead);
    for (int q = 0; q < queriesPerHead; q++) {
      double[] expected = new double[SIZE];
      double mass = 0;
      for (Head head : new Head[] {shared, alone}) {
        for (int t = 0; t < head.exactKeys.length; t++) {
          double score = 0;
          for (int d = 0; d < SIZE; d++) {
            score += queries[q * SIZE + d] * (double) head.exactKeys[t][d];
          }
          double weight = Math.exp(score);
          mass += weight;
          for (int d = 0; d < SIZE; d++) {
            expected[d] += weight * head.exactValues[t][d];
          }
        }
      }
      for (int d = 0; d < SIZE; d++) {
        assertThat((double) sums[q * SIZE + d]).isCloseTo(expected[d] / mass, within(2e-5));
      }
    }
  }
}
