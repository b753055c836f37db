package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.gguf.GgufExport;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.store.ModelLocator;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * A real llama.cpp reads what {@code export --gguf} writes: the same prompt ids by its own template
 * and tokenizer, and in 16 bits the same greedy tokens as ours in 32. Needs a Python with the
 * package xllamacpp in {@code AUTODIDACT_LLAMA_CPP}, and the fetched model.
 */
class LlamaCppTest {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int TOKENS = 24;
  private static final List<String> TEXTS =
      List.of(
          "What is the capital of France?",
          "Übersetze \"Guten Tag\" – bitte! 你好 🙂",
          "def f(x):\n    return x*2\n\nExplain.  ");

  @TempDir Path folder;

  @Test
  void itReadsOurPromptsAndWritesOurAnswers() throws Exception {
    String python = System.getenv("AUTODIDACT_LLAMA_CPP");
    assumeTrue(python != null, "skipped: AUTODIDACT_LLAMA_CPP names no Python with xllamacpp");
    Path source =
        Path.of(System.getProperty("autodidact.models", ""))
            .resolve("SmolLM2-135M-Instruct.Q4_1.gguf");
    assumeTrue(Files.exists(source), "skipped: run scripts/fetch-model.sh");
    Path model = ModelLocator.folder(source, folder.resolve("model"));
    Path gguf = folder.resolve("f16.gguf");
    try (ModelFolder opened = ModelFolder.open(model)) {
      GgufExport.write(opened, GgufExport.Weights.F16, gguf);
    }
    List<Generation> ours = ours(model);
    List<Map<String, Object>> asked = new ArrayList<>();
    for (int i = 0; i < TEXTS.size(); i++) {
      asked.add(Map.of("text", TEXTS.get(i), "prompt", ours.get(i).promptTokens()));
    }
    Path question = folder.resolve("asked.json");
    Path answer = folder.resolve("found.json");
    JSON.writeValue(question.toFile(), asked);
    Path log = folder.resolve("log");
    Process process =
        new ProcessBuilder(
                python,
                Path.of("src/test/python/llama_cpp.py").toString(),
                gguf.toString(),
                question.toString(),
                answer.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertThat(process.waitFor()).as(Files.readString(log)).isZero();
    List<Map<String, List<Integer>>> theirs =
        JSON.readValue(answer.toFile(), new TypeReference<>() {});
    for (int i = 0; i < TEXTS.size(); i++) {
      assertThat(theirs.get(i).get("prompt")).isEqualTo(ours.get(i).promptTokens());
      // The end of a turn is a token of ours, and not shown by theirs.
      assertThat(ours.get(i).candidates().get(0).tokens())
          .startsWith(theirs.get(i).get("tokens").toArray(Integer[]::new))
          .hasSizeLessThanOrEqualTo(theirs.get(i).get("tokens").size() + 1);
    }
  }

  private static List<Generation> ours(Path model) {
    List<Generation> found = new ArrayList<>();
    try (Generator generator =
        Autodidact.builder()
            .build()
            .plugins()
            .generator("onnxruntime")
            .open(
                new Checkpoint("M0", model),
                new ComputeSettings(ComputeSettings.Precision.FP32, 0, 0))) {
      for (String text : TEXTS) {
        generator.generate(
            List.of(
                new GenerationRequest(
                    Prompt.of(text, text), List.of(1L), SamplingParameters.greedy(TOKENS))),
            found::add,
            new Cancellation());
      }
    }
    return found;
  }
}
