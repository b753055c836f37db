package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.file.Files;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.Golden;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.autodidact.onnxruntime.graph.GraphSession;
import org.autodidact.onnxruntime.graph.OrtDecoder;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/** Against PyTorch's numbers for SmolLM2-135M-Instruct. */
class GoldenTest {
  private static JsonNode golden;
  private static CpuGenerator generator;

  @BeforeAll
  static void open() {
    golden = Golden.numbers();
    generator =
        CpuGenerator.open(
            new Checkpoint("M0", Golden.smollm2()),
            new ComputeSettings(ComputeSettings.Precision.FP32, 0, 0));
  }

  @AfterAll
  static void close() {
    if (generator != null) {
      generator.close();
    }
  }

  @Test
  void greedyTokensAreIdenticalAloneAndInARaggedBatch() {
    SamplingParameters greedy = SamplingParameters.greedy(32).withIgnoreEndOfText(true);
    List<GenerationRequest> all = new ArrayList<>();
    for (JsonNode prompt : golden.path("prompts")) {
      all.add(
          new GenerationRequest(
              Prompt.of("p" + all.size(), prompt.path("instruction").asText()),
              List.of(1L),
              greedy));
    }
    Map<String, Generation> batch = Asked.generate(generator, all);
    for (int i = 0; i < all.size(); i++) {
      List<Integer> expected = new ArrayList<>();
      golden.path("prompts").path(i).path("greedy").forEach(t -> expected.add(t.asInt()));
      assertThat(batch.get("p" + i).candidates().get(0).tokens()).isEqualTo(expected);
      assertThat(
              Asked.generate(generator, List.of(all.get(i)))
                  .get("p" + i)
                  .candidates()
                  .get(0)
                  .tokens())
          .isEqualTo(expected);
    }
  }

  @Test
  void theFiveHighestLogitsAreTheSame() {
    try (ModelFolder model = ModelFolder.open(Golden.smollm2());
        OrtDecoder decoder =
            new OrtDecoder(model, 2, Optional.empty(), false, model.config().contextLength());
        DecoderSession session = new GraphSession(decoder, false)) {
      for (JsonNode prompt : golden.path("prompts")) {
        int[] ids =
            IntStream.range(0, prompt.path("ids").size())
                .map(i -> prompt.path("ids").path(i).asInt())
                .toArray();
        session.cache().layOut(1, ids.length);
        DecoderSession.Logits logits =
            session.run(
                DecoderSession.Input.ofPrompt(
                    session.cache(), 0, ids, 0, new int[] {ids.length - 1}, 1));
        float[] row = new float[model.config().vocabularySize()];
        logits.copyLogits(0, row);
        for (int rank = 0; rank < 5; rank++) {
          JsonNode expected = prompt.path("top").path(rank);
          float value = row[expected.path(0).asInt()];
          assertThat((double) value).isCloseTo(expected.path(1).asDouble(), within(1e-3));
          int higher = 0;
          for (float v : row) {
            higher += v > value ? 1 : 0;
          }
          assertThat(higher).isEqualTo(rank);
        }
      }
    }
  }

  @Test
  void digitsInTheJudgePromptHaveTheSameProbability() throws Exception {
    String template = Files.readString(Golden.shared("golden/judge_prompt.txt"));
    List<ScoringRequest> requests = new ArrayList<>();
    for (JsonNode j : golden.path("judge")) {
      String text =
          template
              .replace("{instruction}", j.path("instruction").asText())
              .replace("{response}", j.path("response").asText());
      requests.add(
          new ScoringRequest(
              Prompt.of("j" + requests.size(), text),
              "Score: ",
              List.of("0", "1", "2", "3", "4", "5"),
              false));
    }
    Map<String, Scoring> found = Asked.score(generator, requests);
    for (int i = 0; i < requests.size(); i++) {
      for (int digit = 0; digit < 6; digit++) {
        assertThat(found.get("j" + i).logProbabilities().get(digit))
            .isCloseTo(
                golden.path("judge").path(i).path("digit_logprobs").path(digit).asDouble(),
                within(2e-3));
      }
    }
  }

  @Test
  void chosenAndRejectedHaveTheSameProbability() {
    List<ScoringRequest> requests = new ArrayList<>();
    for (JsonNode p : golden.path("preferences")) {
      requests.add(
          new ScoringRequest(
              Prompt.of("p" + requests.size(), p.path("instruction").asText()),
              "",
              List.of(p.path("chosen").asText(), p.path("rejected").asText()),
              true));
    }
    Map<String, Scoring> found = Asked.score(generator, requests);
    for (int i = 0; i < requests.size(); i++) {
      JsonNode expected = golden.path("preferences").path(i);
      Scoring scoring = found.get("p" + i);
      assertThat(scoring.tokens())
          .containsExactly(
              expected.path("chosen_tokens").asInt(), expected.path("rejected_tokens").asInt());
      assertThat(scoring.logProbabilities().get(0))
          .isCloseTo(expected.path("chosen_logp").asDouble(), within(0.02));
      assertThat(scoring.logProbabilities().get(1))
          .isCloseTo(expected.path("rejected_logp").asDouble(), within(0.02));
    }
  }

  @Test
  void aSampleIsTheSameAloneAndAmongOthers() {
    List<GenerationRequest> all = new ArrayList<>();
    for (JsonNode prompt : golden.path("prompts")) {
      int i = all.size();
      all.add(
          new GenerationRequest(
              Prompt.of("p" + i, prompt.path("instruction").asText()),
              List.of(10L + i, 20L + i, 30L + i),
              SamplingParameters.candidates(8 + 3 * i)));
    }
    Map<String, Generation> together = Asked.generate(generator, all);
    for (int i : new int[] {0, 3, 7}) {
      GenerationRequest request = all.get(i);
      Candidate alone =
          Asked.generate(
                  generator,
                  List.of(
                      new GenerationRequest(
                          request.prompt(), List.of(20L + i), request.sampling())))
              .get("p" + i)
              .candidates()
              .get(0);
      Candidate among = together.get("p" + i).candidates().get(1);
      assertThat(among.tokens()).isEqualTo(alone.tokens());
      assertThat(among.logProbability().orElseThrow())
          .isCloseTo(alone.logProbability().orElseThrow(), within(1e-4));
    }
  }
}
