package org.autodidact.onnxruntime.vector;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatCode;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ConfigReader;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.onnxruntime.Asked;
import org.autodidact.onnxruntime.QualityTest;
import org.autodidact.onnxruntime.backend.DecoderBackend;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.autodidact.onnxruntime.graph.GraphBackend;
import org.autodidact.onnxruntime.quantization.Int8MatMulCheck;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** 8 bits computed with the Vector API against ONNX Runtime's graph of the same weights. */
class VectorBackendTest {
  private static final int[] LENGTHS = {1, 2, 15, 16, 17, 63, 64, 65, 130, 200};

  @TempDir Path folder;

  private CpuGenerator open(int threads, boolean allowVectors) {
    Path model = folder.resolve("tiny");
    if (!model.toFile().exists()) {
      TinyModel.write(model, 5, 64);
    }
    return CpuGenerator.open(
        new GeneratorContext(
            new Checkpoint("M0", model),
            new ComputeSettings(ComputeSettings.Precision.INT8, threads, 0)),
        false,
        allowVectors);
  }

  private static float[] lastLogits(DecoderBackend backend, int[] ids) {
    DecoderSession session = backend.session(0);
    session.cache().layOut(1, ids.length);
    DecoderSession.Logits found =
        session.run(
            DecoderSession.Input.ofPrompt(
                session.cache(), 0, ids, 0, new int[] {ids.length - 1}, 1));
    float[] last = new float[found.vocabulary()];
    found.copyLogits(0, last);
    return last;
  }

  @Test
  void theTestsRunWithTheVectors() {
    try (CpuGenerator vectors = open(2, true)) {
      assertThat(vectors.backend()).isInstanceOf(VectorBackend.class);
    }
  }

  /** Queries that share a head of keys are taken two, three and four together. */
  @Test
  void kernelsAreWarmedUpForAnyNumberOfQueriesAHead() {
    TinyModel.write(folder.resolve("tiny"), 5, 64);
    ObjectNode json = JsonFiles.read(folder.resolve("tiny/config.json"));
    json.put("num_key_value_heads", 2).put("attention_bias", true).put("head_dim", 64);
    for (int group = 1; group <= 9; group++) {
      json.put("num_attention_heads", 2 * group);
      ModelConfig config = ConfigReader.read("config.json", json, Optional.empty());
      assertThatCode(() -> KernelWarmUp.run(config)).as("%d", group).doesNotThrowAnyException();
    }
  }

  private static void assertDivergenceBelow(
      double bound, DecoderBackend graph, DecoderBackend vectors) {
    assertThat(graph).isInstanceOf(GraphBackend.class);
    for (int length : LENGTHS) {
      int[] ids = IntStream.range(0, length).map(i -> 40 + i * 7 % 50).toArray();
      double kl = QualityTest.divergence(lastLogits(graph, ids), lastLogits(vectors, ids));
      assertThat(kl).as("%d tokens", length).isLessThan(bound);
    }
  }

  /** Of the same weights, quantized without calibration, as the graph has them. */
  @Test
  void logitsAreTheGraphs() {
    try (CpuGenerator graph = open(2, false);
        Int8Weights weights =
            Int8Weights.of(graph.model(), Int8MatMulCheck.isExact(), 2, new Cancellation());
        VectorBackend vectors =
            new VectorBackend(
                graph.model().config(), weights, 2, graph.model().config().contextLength())) {
      assertDivergenceBelow(0.01, graph.backend(), vectors);
    }
  }

  /** A mean that is subtracted from inputs and not made up for moves logits by 0.4. */
  @Test
  void inputsWithoutTheirMeanHaveNearlyTheGraphsLogits() {
    try (CpuGenerator vectors = open(2, true);
        CpuGenerator graph = open(2, false)) {
      assertDivergenceBelow(0.04, graph.backend(), vectors.backend());
    }
  }

  /** To the last bit: in any batch, on any number of threads, shared prompts or not. */
  @Test
  void aRequestDoesNotDependOnWhatElseIsAsked() {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < 40; i++) {
      SamplingParameters sampling =
          SamplingParameters.candidates(3 + i % 9).withIgnoreEndOfText(true);
      Prompt prompt = Prompt.of("p" + i, "word ".repeat(1 + i % 30) + i);
      requests.add(
          new GenerationRequest(prompt, LongStream.range(0, 1 + i % 4).boxed().toList(), sampling));
    }
    try (CpuGenerator two = open(2, true);
        CpuGenerator three = open(3, true)) {
      Map<String, Generation> together = Asked.generate(two, requests);
      assertThat(Asked.generate(three, requests)).isEqualTo(together);
      for (GenerationRequest request : requests) {
        String id = request.prompt().id();
        assertThat(Asked.generate(two, List.of(request)).get(id)).isEqualTo(together.get(id));
      }
    }
  }

  /** Many texts are prefilled by a session a thread, one by all threads. */
  @Test
  void aTextIsScoredAlikeByOneThreadAndByAll() {
    List<ScoringRequest> requests = new ArrayList<>();
    for (int i = 0; i < 20; i++) {
      // Some have a common prefix, and one tile of tokens does not hold the longest.
      Prompt prompt = Prompt.of("p" + i, "word ".repeat(10 + 7 * i) + i);
      List<String> continuations = i % 3 == 0 ? List.of("0", "1") : List.of("a longer one", "1");
      requests.add(new ScoringRequest(prompt, "Score: ", continuations, false));
    }
    try (CpuGenerator generator = open(2, true)) {
      List<Scoring> together = score(generator, requests);
      assertThat(together).hasSameSizeAs(requests);
      for (ScoringRequest request : requests) {
        assertThat(together).containsAll(score(generator, List.of(request)));
      }
    }
  }

  private static List<Scoring> score(CpuGenerator generator, List<ScoringRequest> requests) {
    List<Scoring> found = new ArrayList<>();
    generator.scorer().orElseThrow().score(requests, found::add, new Cancellation());
    return found;
  }

  @Test
  void aFailureReachesTheCallerAndTheTeamGoesOn() {
    try (ThreadTeam team = new ThreadTeam(3)) {
      for (int failing = 0; failing < 3; failing++) {
        int number = failing;
        assertThatThrownBy(
                () ->
                    team.run(
                        thread -> {
                          if (thread == number) {
                            throw new IllegalStateException("thread " + number);
                          }
                          team.await();
                        }))
            .hasMessage("thread " + failing);
        AtomicInteger sum = new AtomicInteger();
        team.run(
            thread -> {
              sum.addAndGet(thread);
              team.await();
              assertThat(sum).hasValue(3);
            });
      }
    }
  }
}
