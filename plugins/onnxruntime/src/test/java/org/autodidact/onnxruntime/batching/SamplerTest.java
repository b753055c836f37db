package org.autodidact.onnxruntime.batching;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.FloatBuffer;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.autodidact.api.SamplingParameters;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.graph.GraphLogits;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The sampler, which looks at few tokens, against one that sorts all of them. */
public class SamplerTest {
  public static final int VOCABULARY = 3000;

  @ParameterizedTest
  @CsvSource({
    "0, 0.9, 0",
    "0, 0.5, 0",
    "0, 0.999, 0",
    "1, 1, 0",
    "40, 1, 0",
    "2900, 1, 0",
    "40, 0.9, 0",
    "40, 0.9, 0.1",
    "0, 1, 0.05",
    "0, 0.95, 0.01",
    "5000, 0.8, 0"
  })
  void samplesAsOneThatSortsAll(int topK, double topP, double minP) {
    SamplingParameters parameters =
        new SamplingParameters(1, 1, topK, topP, minP, 1, List.of(), false);
    Sampler.Scratch scratch = new Sampler.Scratch(VOCABULARY);
    // From nearly even to nearly certain, where few tokens are above any bound.
    for (int spread = 0; spread < 40; spread++) {
      FloatBuffer p = distribution(spread);
      DecoderSession.Logits logits = new GraphLogits(p, p, FloatBuffer.allocate(2), VOCABULARY);
      for (long seed = 0; seed < 20; seed++) {
        int found = new Sampler(parameters, seed, new int[0]).sample(logits, 0, scratch);
        assertThat(found).isEqualTo(sorted(p, parameters, new SplittableRandom(seed).nextDouble()));
      }
    }
  }

  /** A penalty takes from a token that has all of the probability, far above the others. */
  @ParameterizedTest
  @CsvSource({"0.01", "0.1", "0.3", "1", "5"})
  void aPenaltyIsTakenFromLogits(double temperature) {
    double penalty = 1.3;
    SamplingParameters parameters =
        new SamplingParameters(1, temperature, 0, 0.9, 0, penalty, List.of(), false);
    Sampler.Scratch scratch = new Sampler.Scratch(VOCABULARY);
    for (int seed = 0; seed < 20; seed++) {
      Random random = new Random(seed);
      FloatBuffer logits = FloatBuffer.allocate(VOCABULARY);
      IntStream.range(0, VOCABULARY).forEach(i -> logits.put(i, (float) random.nextGaussian() * 3));
      int[] prompt = {seed, 77};
      logits.put(seed, 40);
      FloatBuffer unused = FloatBuffer.allocate(VOCABULARY).put(seed, 1);
      DecoderSession.Logits row =
          new GraphLogits(logits, unused, FloatBuffer.allocate(2), VOCABULARY);
      double[] weights = new double[VOCABULARY];
      for (int i = 0; i < VOCABULARY; i++) {
        double x = logits.get(i);
        boolean seen = i == seed || i == 77;
        weights[i] = (!seen ? x : x > 0 ? (float) (x / penalty) : (float) (x * penalty));
      }
      double most = Arrays.stream(weights).max().orElseThrow();
      double sum = Arrays.stream(weights).map(w -> Math.exp((w - most) / temperature)).sum();
      FloatBuffer p = FloatBuffer.allocate(VOCABULARY);
      for (int i = 0; i < VOCABULARY; i++) {
        p.put(i, (float) (Math.exp((weights[i] - most) / temperature) / sum));
      }
      assertThat(new Sampler(parameters, seed, prompt).sample(row, 0, scratch))
          .isEqualTo(sorted(p, parameters, new SplittableRandom(seed).nextDouble()));
    }
  }

  @ParameterizedTest
  @CsvSource({
    "0, 0, 1, 0, 1",
    "1, 0, 1, 0, 1",
    "1, 0, 0.9, 0, 1",
    "1, 40, 1, 0, 1",
    "1, 0, 1, 0.1, 1",
    "0, 0, 1, 0, 2",
    "1, 0, 1, 0, 2",
    "1, 0, 0.9, 0, 2",
    "1, 40, 0.9, 0.1, 2"
  })
  void whatIsNoNumberIsRefused(
      double temperature, int topK, double topP, double minP, double penalty) {
    SamplingParameters parameters =
        new SamplingParameters(1, temperature, topK, topP, minP, penalty, List.of(), false);
    FloatBuffer broken = FloatBuffer.allocate(VOCABULARY);
    IntStream.range(0, VOCABULARY).forEach(i -> broken.put(i, Float.NaN));
    DecoderSession.Logits row =
        new GraphLogits(broken, broken, FloatBuffer.allocate(2), VOCABULARY);
    Sampler sampler = new Sampler(parameters, 1, new int[] {5});
    assertThatThrownBy(() -> sampler.sample(row, 0, new Sampler.Scratch(VOCABULARY)))
        .hasMessageContaining("not numbers");
  }

  /** Nearly even at a spread of 0, nearly certain at 40. */
  public static FloatBuffer distribution(int spread) {
    Random random = new Random(spread);
    FloatBuffer p = FloatBuffer.allocate(VOCABULARY);
    double sum = 0;
    for (int i = 0; i < VOCABULARY; i++) {
      p.put(i, (float) Math.exp(spread * 0.3 * random.nextGaussian()));
      sum += p.get(i);
    }
    for (int i = 0; i < VOCABULARY; i++) {
      p.put(i, (float) (p.get(i) / sum));
    }
    return p;
  }

  /** Top-k, then min-p, then top-p of what is left, as SamplingParameters says. */
  private static int sorted(FloatBuffer p, SamplingParameters parameters, double uniform) {
    List<Integer> order =
        IntStream.range(0, VOCABULARY)
            .boxed()
            .sorted(Comparator.comparingDouble((Integer i) -> -p.get(i)))
            .limit(parameters.topK() == 0 ? VOCABULARY : parameters.topK())
            .toList();
    float most = p.get(order.get(0));
    List<Integer> kept =
        order.stream().filter(i -> p.get(i) >= (float) (parameters.minP() * most)).toList();
    boolean onlyTopP = parameters.topK() == 0 && parameters.minP() == 0;
    double mass = onlyTopP ? 1 : kept.stream().mapToDouble(p::get).sum();
    double nucleus = 0;
    int size = 0;
    while (size < kept.size() && (size == 0 || nucleus < parameters.topP() * mass)) {
      nucleus += p.get(kept.get(size++));
    }
    double left = uniform * nucleus;
    int i = 0;
    while (i < size - 1 && (left -= p.get(kept.get(i))) >= 0) {
      i++;
    }
    return kept.get(i);
  }
}
