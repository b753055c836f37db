package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;

/** The command line on bad input, and the commands that need no model of their own. */
class MainTest extends CommandLineTest {
  @Test
  void badInputGetsOneClearMessage() throws Exception {
    Path prompts = file("p.jsonl", "{\"prompt\":\"x\"}\n");
    Path output = folder.resolve("o.jsonl");
    assertThat(autodidact("generate")).isEqualTo(2);
    assertThat(autodidact("fly")).isEqualTo(2);
    assertRefused(
        3,
        "no such model",
        "generate",
        "--model",
        folder.resolve("none"),
        "--prompts",
        prompts,
        "--output",
        output);
    Path broken = file("broken.jsonl", "{\"prompt\":\"x\"}\n{\"prompt\n");
    assertRefused(
        3,
        "broken.jsonl, line 2",
        "generate",
        "--model",
        model,
        "--prompts",
        broken,
        "--output",
        output);
    Path longPrompt =
        file("long.jsonl", "{\"id\":\"l\",\"prompt\":\"" + "x".repeat(3000) + "\"}\n");
    assertRefused(
        3, "'l'", "generate", "--model", model, "--prompts", longPrompt, "--output", output);
    assertRefused(
        4,
        "file/o.jsonl",
        "generate",
        "--model",
        model,
        "--prompts",
        prompts,
        "--output",
        file("file", "").resolve("o.jsonl"));
    Path answers = file("a.jsonl", "{\"instruction\":\"x\",\"response\":\"y\"}\n");
    assertThat(autodidact("generate", "--prompts", prompts, "--output", output)).isEqualTo(2);
    assertThat(err).contains("Missing required option: '--model=M'");
    for (String judge : List.of("additive", "expected-score")) {
      assertThat(autodidact("judge", "--judge", judge, "--input", answers, "--output", output))
          .isEqualTo(2);
      assertThat(err).contains("Missing required option: '--model=M'");
    }
    assertRefused(
        3,
        "needs judge.model (--judge-model)",
        "judge",
        "--judge",
        "reward-model",
        "--input",
        answers,
        "--output",
        output);
    Path gguf = file("cut.gguf", "GGUF");
    assertRefused(3, "cut.gguf", "import", gguf, folder.resolve("imported"));
    assertThat(folder.resolve("imported")).doesNotExist();
    assertRefused(
        3,
        "aditive",
        "judge",
        "--model",
        model,
        "--judge",
        "aditive",
        "--input",
        answers,
        "--output",
        output);
  }

  @Test
  void damagedCheckpointsAreNamed() throws Exception {
    Path prompts = file("p.jsonl", "{\"prompt\":\"x\"}\n");
    Path weights = model.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    Files.write(weights, java.util.Arrays.copyOf(bytes, bytes.length / 2));
    assertRefused(
        3,
        "model.safetensors",
        "generate",
        "--model",
        model,
        "--prompts",
        prompts,
        "--output",
        folder.resolve("o.jsonl"));
    bytes[3] = 99; // the header's length, far beyond the file's end
    Files.write(weights, bytes);
    assertRefused(
        3,
        "model.safetensors",
        "generate",
        "--model",
        model,
        "--prompts",
        prompts,
        "--output",
        folder.resolve("o.jsonl"));
    Path config = model.resolve("config.json");
    Files.writeString(config, Files.readString(config).replaceAll("[Ll]lama", "mamba"));
    assertRefused(
        3,
        "mamba",
        "generate",
        "--model",
        model,
        "--prompts",
        prompts,
        "--output",
        folder.resolve("o.jsonl"));
  }

  @Test
  void aRunOverAFullDiskKeepsWhatIsFinished() throws Exception {
    Path full = Path.of("/dev/full");
    org.junit.jupiter.api.Assumptions.assumeTrue(Files.exists(full), "no /dev/full here");
    Path prompts = file("p.jsonl", "{\"prompt\":\"x\"}\n");
    assertRefused(
        4, "/dev/full", "generate", "--model", model, "--prompts", prompts, "--output", full);
  }

  @Test
  void pluginsAndDoctorSpeak() {
    assertThat(autodidact("plugins")).isZero();
    assertThat(out)
        .contains(
            "onnxruntime",
            "djl-pytorch",
            "additive",
            "expected-score",
            "max-min",
            "pairwise",
            "meta",
            "ensemble",
            "anchored");
    assertThat(autodidact("doctor", "--model", model)).isZero();
    assertThat(out).contains("Memory", "execution providers", "context 1024");
  }
}
