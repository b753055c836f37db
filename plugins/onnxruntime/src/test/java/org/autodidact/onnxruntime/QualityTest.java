package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.IntStream;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.Golden;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** What automatic precision (8 bits) costs, against float32 on the real model. */
public class QualityTest {
  private static final int PROMPTS = 64;
  private static final int TEXT_TOKENS = 4096;
  private static final int WINDOW = 256;
  private static final int JUDGED = 200;
  private static final List<String> DIGITS = List.of("0", "1", "2", "3", "4", "5");

  private static CpuGenerator exact;
  private static CpuGenerator quantized;

  @BeforeAll
  static void open() {
    Checkpoint checkpoint = new Checkpoint("M0", Golden.smollm2());
    exact =
        CpuGenerator.open(checkpoint, new ComputeSettings(ComputeSettings.Precision.FP32, 0, 0));
    quantized = CpuGenerator.open(checkpoint, ComputeSettings.automatic());
  }

  @AfterAll
  static void close() {
    if (quantized != null) {
      exact.close();
      quantized.close();
    }
  }

  @Test
  void theFirstTokenIsDrawnFromNearlyTheSameProbabilities() {
    double sum = 0;
    for (Prompt prompt : prompts()) {
      sum +=
          divergence(
              lastLogits(exact, prompt.messages()), lastLogits(quantized, prompt.messages()));
    }
    System.out.printf("KL of the first token, %d prompts: %.4f nats%n", PROMPTS, sum / PROMPTS);
    assertThat(sum / PROMPTS).isLessThan(0.015);
  }

  @Test
  void aTextIsAsLikely() {
    double expected = perplexity(exact);
    double found = perplexity(quantized);
    System.out.printf("perplexity: float32 %.3f, automatic %.3f%n", expected, found);
    assertThat(found / expected).isBetween(0.99, 1.01);
  }

  @Test
  void greedyAnswersAgreeForTheMostPart() {
    double agreement = agreement(greedy(exact), greedy(quantized));
    System.out.printf(
        "greedy tokens that agree, 16 of %d prompts: %.3f of all%n", PROMPTS, agreement);
    assertThat(agreement).isGreaterThan(0.6);
  }

  private static double agreement(Map<String, Generation> expected, Map<String, Generation> found) {
    int tokens = 0;
    int same = 0;
    for (Map.Entry<String, Generation> entry : expected.entrySet()) {
      List<Integer> a = entry.getValue().candidates().get(0).tokens();
      List<Integer> b = found.get(entry.getKey()).candidates().get(0).tokens();
      tokens += a.size();
      same += (int) IntStream.range(0, a.size()).filter(i -> a.get(i).equals(b.get(i))).count();
    }
    return (double) same / tokens;
  }

  /** In float32 a sample is the same alone, among 16 and among 64 of all lengths. */
  @Test
  void aSampleDoesNotDependOnItsBatch() {
    List<GenerationRequest> requests = new ArrayList<>();
    for (Prompt prompt : prompts()) {
      int tokens = 4 + requests.size() % 13;
      requests.add(
          new GenerationRequest(prompt, List.of(7L), SamplingParameters.candidates(tokens)));
    }
    Map<String, Generation> among64 = Asked.generate(exact, requests);
    Map<String, Generation> among16 = Asked.generate(exact, requests.subList(0, 16));
    for (GenerationRequest request : requests.subList(0, 16)) {
      String id = request.prompt().id();
      List<Integer> expected =
          Asked.generate(exact, List.of(request)).get(id).candidates().get(0).tokens();
      assertThat(among16.get(id).candidates().get(0).tokens()).isEqualTo(expected);
      assertThat(among64.get(id).candidates().get(0).tokens()).isEqualTo(expected);
    }
  }

  /** As when a killed run goes on: the rest is answered as it would have been. */
  @Test
  void inEightBitsTheRestOfACallIsAnsweredAsInAllOfIt() throws IOException {
    String template = Files.readString(Golden.shared("golden/judge_prompt.txt"));
    String beginning = template.substring(0, template.indexOf("{instruction}"));
    List<GenerationRequest> requests = new ArrayList<>();
    for (Prompt prompt : prompts().subList(0, 24)) {
      String filled =
          template
              .replace("{instruction}", prompt.instruction())
              .replace("{response}", "no ".repeat(requests.size()));
      requests.add(
          new GenerationRequest(
              new Prompt(prompt.id(), List.of(Message.user(filled)), beginning),
              List.of(1L, 2L, 3L),
              SamplingParameters.candidates(8)));
    }
    Map<String, Generation> all = Asked.generate(quantized, requests);
    for (List<GenerationRequest> rest :
        List.of(requests.subList(3, 4), requests.subList(19, 24), requests.subList(5, 20))) {
      Asked.generate(quantized, rest)
          .forEach((id, generation) -> assertThat(generation).isEqualTo(all.get(id)));
    }
  }

  @Test
  void theJudgeScoresAlike() throws IOException {
    List<ScoringRequest> requests = judged();
    double[] expected = scores(exact, requests);
    double[] found = scores(quantized, requests);
    double difference = difference(expected, found);
    double spearman = correlation(ranks(expected), ranks(found));
    System.out.printf(
        "expected score of %d responses: mean |difference| %.4f, Spearman %.4f%n",
        JUDGED, difference, spearman);
    assertThat(difference).isLessThan(0.05);
    // This model's scores differ by 0.11 only (standard deviation), which 8 bits blur: 0.983 where
    // products saturate, 0.957 with the last tokens in 8 bits as well.
    assertThat(spearman).isGreaterThan(0.965);
  }

  /** What {@code int8-weights} costs, in the same numbers. */
  @Test
  void weightsAloneInEightBitsCostLittle() throws IOException {
    ComputeSettings settings = new ComputeSettings(ComputeSettings.Precision.INT8_WEIGHTS, 0, 0);
    try (CpuGenerator blocks =
        CpuGenerator.open(new Checkpoint("M0", Golden.smollm2()), settings)) {
      double kl = 0;
      for (Prompt prompt : prompts()) {
        kl +=
            divergence(lastLogits(exact, prompt.messages()), lastLogits(blocks, prompt.messages()))
                / PROMPTS;
      }
      double perplexity = perplexity(blocks) / perplexity(exact);
      double agreement = agreement(greedy(exact), greedy(blocks));
      List<ScoringRequest> judged = judged();
      double[] expected = scores(exact, judged);
      double[] found = scores(blocks, judged);
      double spearman = correlation(ranks(expected), ranks(found));
      System.out.printf(
          "int8-weights: first-token KL %.4f nats, perplexity times %.4f, greedy agreement %.3f,"
              + " expected score off by %.4f, Spearman %.4f%n",
          kl, perplexity, agreement, difference(expected, found), spearman);
      assertThat(kl).isLessThan(0.015);
      assertThat(perplexity).isBetween(0.99, 1.01);
      assertThat(agreement).isGreaterThan(0.6);
      assertThat(difference(expected, found)).isLessThan(0.05);
      // Below int8's: the model is not rotated, and scores differ by little, as said below.
      assertThat(spearman).isGreaterThan(0.9);
    }
  }

  private static double difference(double[] expected, double[] found) {
    return IntStream.range(0, JUDGED)
        .mapToDouble(i -> Math.abs(expected[i] - found[i]))
        .average()
        .orElseThrow();
  }

  private static List<ScoringRequest> judged() throws IOException {
    List<ScoringRequest> requests = new ArrayList<>();
    String template = Files.readString(Golden.shared("golden/judge_prompt.txt"));
    for (JsonNode row : Golden.lines("data/ranked_responses.jsonl")) {
      for (JsonNode response : row.path("responses")) {
        String text = response.path("text").asText();
        if (requests.size() < JUDGED && text.length() < 800) {
          String filled =
              template
                  .replace("{instruction}", row.path("instruction").asText())
                  .replace("{response}", text);
          requests.add(
              new ScoringRequest(
                  Prompt.of("r" + requests.size(), filled), "Score: ", DIGITS, false));
        }
      }
    }
    return requests;
  }

  private static List<Prompt> prompts() {
    List<Prompt> prompts = new ArrayList<>();
    for (JsonNode row : Golden.lines("data/seed_tasks.jsonl").subList(0, PROMPTS)) {
      prompts.add(Prompt.of("p" + prompts.size(), row.path("instruction").asText()));
    }
    return prompts;
  }

  private static float[] lastLogits(CpuGenerator generator, List<Message> messages) {
    int[] ids = generator.model().encoder().prompt(messages);
    float[] last = new float[generator.model().config().vocabularySize()];
    run(generator, ids, new int[] {ids.length - 1}).copyLogits(0, last);
    return last;
  }

  private static DecoderSession.Logits run(CpuGenerator generator, int[] ids, int[] wanted) {
    DecoderSession session = generator.backend().session(0);
    session.cache().layOut(1, ids.length);
    return session.run(DecoderSession.Input.ofPrompt(session.cache(), 0, ids, 0, wanted, 1));
  }

  private static double perplexity(CpuGenerator generator) {
    StringBuilder text = new StringBuilder();
    for (JsonNode row : Golden.lines("data/ranked_responses.jsonl")) {
      text.append(row.path("responses").path(0).path("text").asText()).append("\n\n");
    }
    int[] all = generator.model().encoder().text(text.toString());
    double sum = 0;
    int count = 0;
    int[] wanted = IntStream.range(0, WINDOW - 1).toArray();
    for (int from = 0; from < TEXT_TOKENS; from += WINDOW) {
      int[] ids = Arrays.copyOfRange(all, from, from + WINDOW);
      DecoderSession.Logits logits = run(generator, ids, wanted);
      for (int i = 0; i + 1 < WINDOW; i++) {
        sum -= logits.logProbability(i, ids[i + 1]);
        count++;
      }
    }
    return Math.exp(sum / count);
  }

  private static Map<String, Generation> greedy(CpuGenerator generator) {
    SamplingParameters sampling = SamplingParameters.greedy(16).withIgnoreEndOfText(true);
    return Asked.generate(
        generator,
        prompts().stream().map(p -> new GenerationRequest(p, List.of(0L), sampling)).toList());
  }

  private static double[] scores(CpuGenerator generator, List<ScoringRequest> requests) {
    double[] scores = new double[requests.size()];
    Asked.score(generator, requests)
        .forEach(
            (id, scoring) -> {
              double sum = 0;
              double weighted = 0;
              for (int d = 0; d < DIGITS.size(); d++) {
                double p = Math.exp(scoring.logProbabilities().get(d));
                sum += p;
                weighted += d * p;
              }
              scores[Integer.parseInt(id.substring(1))] = weighted / sum;
            });
    return scores;
  }

  private static double[] ranks(double[] values) {
    int[] order =
        IntStream.range(0, values.length)
            .boxed()
            .sorted(Comparator.comparingDouble(i -> values[i]))
            .mapToInt(i -> i)
            .toArray();
    double[] ranks = new double[values.length];
    for (int r = 0; r < order.length; r++) {
      ranks[order[r]] = r;
    }
    return ranks;
  }

  private static double correlation(double[] x, double[] y) {
    double meanX = Arrays.stream(x).average().orElseThrow();
    double meanY = Arrays.stream(y).average().orElseThrow();
    double xy = 0;
    double xx = 0;
    double yy = 0;
    for (int i = 0; i < x.length; i++) {
      xy += (x[i] - meanX) * (y[i] - meanY);
      xx += (x[i] - meanX) * (x[i] - meanX);
      yy += (y[i] - meanY) * (y[i] - meanY);
    }
    return xy / Math.sqrt(xx * yy);
  }

  /** KL(p ‖ q) of two rows of logits, in nats. */
  public static double divergence(float[] p, float[] q) {
    double sumP = 0;
    double sumQ = 0;
    for (int i = 0; i < p.length; i++) {
      sumP += Math.exp(p[i]);
      sumQ += Math.exp(q[i]);
    }
    double kl = 0;
    for (int i = 0; i < p.length; i++) {
      double lnP = p[i] - Math.log(sumP);
      kl += Math.exp(lnP) * (lnP - (q[i] - Math.log(sumQ)));
    }
    return kl;
  }
}
