package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.FloatBuffer;
import java.util.Comparator;
import java.util.List;
import java.util.Random;
import java.util.SplittableRandom;
import java.util.stream.IntStream;
import org.autodidact.api.SamplingParameters;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** The sampler, which looks at few tokens, against one that sorts all of them. */
class SamplerTest {
  static final int VOCABULARY = 3000;

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
  void drawsAsOneThatSortsAll(int topK, double topP, double minP) {
    SamplingParameters parameters =
        new SamplingParameters(1, 1, topK, topP, minP, 1, List.of(), false);
    Sampler.Scratch scratch = new Sampler.Scratch(VOCABULARY);
    // From nearly even to nearly certain, where few tokens are above any bound.
    for (int spread = 0; spread < 40; spread++) {
      FloatBuffer p = distribution(spread);
      DecoderStream.Logits logits = new GraphLogits(p, p, FloatBuffer.allocate(2), VOCABULARY);
      for (long seed = 0; seed < 20; seed++) {
        int found = new Sampler(parameters, seed, new int[0]).next(logits, 0, scratch);
        assertThat(found).isEqualTo(sorted(p, parameters, new SplittableRandom(seed).nextDouble()));
      }
    }
  }

  /** Nearly even at a spread of 0, nearly certain at 40. */
  static FloatBuffer distribution(int spread) {
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
