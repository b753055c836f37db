package org.autodidact.cli;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** {@code train}: what it writes, and what it refuses. */
class TrainCommandTest extends CommandLineTest {
  /** The arguments of {@code train dpo}. */
  private static Object[] trainDpo(Path model, Path data, Path output, Object... more) {
    List<Object> arguments =
        new ArrayList<>(
            List.of("train", "dpo", "--model", model, "--data", data, "--output", output));
    arguments.addAll(List.of(more));
    return arguments.toArray();
  }

  @Test
  void trainingWritesACheckpointThatGenerates() throws Exception {
    Path data = file("d.jsonl", "{\"prompt\":\"x\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n");
    Path trained = folder.resolve("trained");
    assertThat(autodidact(trainDpo(model, data, trained))).as(err).isZero();
    Path prompts = file("p.jsonl", "{\"prompt\":\"x\"}\n");
    assertThat(
            autodidact(
                "generate",
                "--model",
                trained,
                "--prompts",
                prompts,
                "--output",
                folder.resolve("o.jsonl"),
                "--max-tokens",
                3))
        .as(err)
        .isZero();
    assertRefused(3, "exists already", trainDpo(model, data, trained, "--seed", 2));
  }

  /** What a finished training says of itself; no two numbers are the same. */
  @Test
  void everySettingReachesTheTrainer() throws Exception {
    Path data = file("d.jsonl", "{\"prompt\":\"x\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n");
    Path trained = folder.resolve("trained");
    String options =
        "--optimizer adafactor --learning-rate 0.002 --final-learning-rate 0.001 --schedule linear"
            + " --warmup-steps 3 --batch-size 4 --epochs 2 --max-length 99 --weight-decay 0.01"
            + " --max-gradient-norm 0.7 --dropout 0.05 --held-out-every 5 --patience 6 --save-every 7"
            + " --activation-checkpointing --lora-rank 8 --lora-alpha 9.5 --lora-dropout 0.06"
            + " --lora-targets q_proj,v_proj --lora-quantized --no-shuffle";
    options += " --held-out " + data;
    assertThat(autodidact(trainDpo(model, data, trained, (Object[]) options.split(" "))))
        .as(err)
        .isZero();
    assertThat(JSON.readTree(trained.resolve("training.json").toFile()).path("settings"))
        .isEqualTo(
            JSON.readTree(
                """
                {"loss": "SIGMOID", "lossParameters": {"beta": 0.1, "labelSmoothing": 0.1, "gamma": 0.5, "sftWeight": 0.0}, "optimizer": "ADAFACTOR",
                 "learningRate": 0.002, "finalLearningRate": 0.001, "schedule": "LINEAR",
                 "warmupSteps": 3, "batchSize": 4, "epochs": 2, "maxLength": 99,
                 "weightDecay": 0.01, "maxGradientNorm": 0.7, "dropout": 0.05, "shuffle": false,
                 "heldOutEvery": 5, "patience": 6, "saveEvery": 7, "activationCheckpointing": true,
                 "lora": {"rank": 8, "alpha": 9.5, "dropout": 0.06,
                          "targets": ["q_proj", "v_proj"], "merge": false, "quantized": true}}
                """));
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "--lora-alpha=3",
        "--lora-dropout=0.1",
        "--lora-targets=q_proj",
        "--lora-quantized",
        "--lora-merge"
      })
  void anAdaptersOptionWithoutAnAdapterIsRefused(String option) throws Exception {
    Path data = file("d.jsonl", "{\"prompt\":\"x\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n");
    assertRefused(3, "lora-rank", trainDpo(model, data, folder.resolve("trained"), option));
  }

  @ParameterizedTest
  @ValueSource(strings = {"--held-out=d.jsonl", "--held-out-every=2", "--patience=2"})
  void whatWouldEvaluateNothingIsRefused(String option) throws Exception {
    Path data = file("d.jsonl", "{\"prompt\":\"x\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n");
    option = option.replace("d.jsonl", data.toString());
    assertRefused(3, "go together", trainDpo(model, data, folder.resolve("trained"), option));
  }

  @Test
  void anExampleThatIsTooLongIsNamedByItsLine() throws Exception {
    String line = "{\"prompt\":\"%s\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n";
    String fits = String.format(line, "x");
    Path data = file("d.jsonl", fits + "\n" + String.format(line, "x".repeat(300)) + fits);
    assertRefused(
        3,
        data + ", line 3: its prompt has ",
        trainDpo(model, data, folder.resolve("trained"), "--max-length", 200));
  }

  @Test
  void thePairThatGivesNoNumberIsNamedByItsLine() throws Exception {
    Path broken = TinyModel.write(folder.resolve("broken"), 1);
    Path weights = broken.resolve("model.safetensors");
    byte[] bytes = Files.readAllBytes(weights);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putFloat(bytes.length - 4, Float.NaN);
    Files.write(weights, bytes);
    Path data = file("d.jsonl", "\n{\"prompt\":\"x\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n");
    assertRefused(5, data + ", line 2", trainDpo(broken, data, folder.resolve("trained")));
  }

  @Test
  void trainingOnAGpuThatIsNotThereIsRefused() throws Exception {
    Path data = file("d.jsonl", "{\"prompt\":\"x\",\"chosen\":\"good\",\"rejected\":\"bad\"}\n");
    assertRefused(
        3,
        "set the device cpu or auto",
        trainDpo(model, data, folder.resolve("trained"), "--device", "cuda"));
    assertRefused( // the name of an earlier version
        3,
        "set the device cpu or auto",
        trainDpo(model, data, folder.resolve("trained"), "--recompute", "--provider=cuda"));
  }
}
