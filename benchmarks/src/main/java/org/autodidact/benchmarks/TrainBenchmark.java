package org.autodidact.benchmarks;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.function.Function;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Message;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingSettings;
import org.autodidact.engine.Autodidact;

/**
 * The work of the peers' {@code bench_dpo.py}: pairs of the highest against the lowest preference
 * of each instruction, in the file's order; DPO, beta 0.1, AdamW at a constant 1e-5, clipped at 1,
 * one pass or more. Prints one JSON line. The seconds are those from the call, opened model and
 * tokenized examples included, to the last step's end; writing the model is left out, as in TRL's
 * script, which leaves the opening out as well: what that takes at least is timed by a training
 * that is cancelled before its first pass, in the same JVM afterwards.
 *
 * <p>Arguments: model folder, ranked responses (JSONL), pairs, batch, max length, precision, rank
 * of LoRA (0: all parameters), passes over the pairs; then, where wanted, {@code
 * activation-checkpointing}, {@code adafactor}, {@code quantized} (LoRA's base in 8 bits), and
 * {@code device=cuda} (or cpu; auto without it).
 */
public final class TrainBenchmark {
  private TrainBenchmark() {}

  public static void main(String[] arguments) throws IOException {
    int rank = Integer.parseInt(arguments[6]);
    List<String> more = List.of(arguments).subList(8, arguments.length);
    TrainingSettings.Builder settings =
        TrainingSettings.dpo().toBuilder()
            .constantRate(1e-5)
            .epochs(Integer.parseInt(arguments[7]))
            .batchSize(Integer.parseInt(arguments[3]))
            .maxLength(Integer.parseInt(arguments[4]))
            .shuffle(false)
            .saveEvery(0)
            .activationCheckpointing(more.contains("activation-checkpointing"));
    if (more.contains("adafactor")) {
      settings.optimizer(TrainingSettings.Optimizer.ADAFACTOR);
    }
    if (rank > 0) {
      boolean quantized = more.contains("quantized");
      settings.lora(
          new TrainingSettings.Lora(
              rank, 2.0 * rank, 0, TrainingSettings.Lora.ALL, false, quantized));
    }
    List<TrainingExample> pairs = pairs(Path.of(arguments[1]), Integer.parseInt(arguments[2]));
    Path folder = Files.createTempDirectory("autodidact-train");
    Trainer trainer =
        Autodidact.builder()
            .build()
            .plugins()
            .trainer("djl-pytorch")
            .create(
                new ComputeSettings(
                    new ComputeSettings.Precision(
                        arguments[5].toLowerCase(Locale.ROOT).replace("_", "-")),
                    0,
                    0,
                    device(more)));
    List<TrainingMetrics> steps = new ArrayList<>();
    List<Long> ends = new ArrayList<>();
    List<Long> resident = new ArrayList<>();
    Function<String, TrainingRequest> request =
        name ->
            new TrainingRequest(
                new Checkpoint("M0", Path.of(arguments[0])),
                pairs,
                List.of(),
                settings.build(),
                1,
                new Checkpoint(name, folder.resolve(name)),
                folder.resolve(name + ".state"));
    long start = System.nanoTime();
    trainer.train(
        request.apply("M1"),
        m -> {
          steps.add(m);
          ends.add(System.nanoTime());
          resident.add(ProcessMemory.megabytes("VmRSS"));
        },
        new Cancellation());
    double seconds = (ends.get(ends.size() - 1) - start) / 1e9;
    double sinceStart = sinceProcessStart() - (System.nanoTime() - ends.get(ends.size() - 1)) / 1e9;
    long tokens = steps.stream().mapToLong(TrainingMetrics::tokens).sum();
    long peak = ProcessMemory.megabytes("VmHWM");
    double opening = opening(trainer, request.apply("cancelled"));
    System.out.printf(
        Locale.ROOT,
        "{\"trainer\": \"autodidact\", \"precision\": \"%s\", \"lora_rank\": %d, \"pairs\": %d, \"tokens\": %d,"
            + " \"seconds\": %.2f, \"seconds_from_process_start\": %.2f,"
            + " \"first_step_seconds\": %.2f, \"tokens_per_second\": %.1f,"
            + " \"tokens_per_second_opened\": %.1f, \"peak_rss_mb\": %d,"
            + " \"rss_mb\": %s, \"losses\": %s, \"folder\": \"%s\"}%n",
        arguments[5],
        rank,
        pairs.size(),
        tokens,
        seconds,
        sinceStart,
        (ends.get(0) - start) / 1e9,
        tokens / seconds,
        tokens / (seconds - opening),
        peak,
        resident,
        steps.stream()
            .limit(16)
            .map(m -> String.format(Locale.ROOT, "%.4f", m.value("loss").orElseThrow()))
            .toList(),
        folder.resolve("M1"));
  }

  private static ComputeSettings.Device device(List<String> more) {
    String option = "device=";
    return more.stream()
        .filter(m -> m.startsWith(option))
        .map(m -> m.substring(option.length()).toUpperCase(Locale.ROOT))
        .map(ComputeSettings.Device::valueOf)
        .findFirst()
        .orElse(ComputeSettings.Device.AUTO);
  }

  private static double sinceProcessStart() {
    Instant start = ProcessHandle.current().info().startInstant().orElseThrow();
    return Duration.between(start, Instant.now()).toNanos() / 1e9;
  }

  /** Seconds that all takes which comes before a training's first pass. */
  private static double opening(Trainer trainer, TrainingRequest request) {
    Cancellation cancelled = new Cancellation();
    cancelled.cancel();
    long start = System.nanoTime();
    try {
      trainer.train(request, m -> {}, cancelled);
    } catch (CancelledException e) {
      return (System.nanoTime() - start) / 1e9;
    }
    throw new IllegalStateException("a cancelled training went on");
  }

  private static List<TrainingExample> pairs(Path file, int count) throws IOException {
    JsonMapper json = new JsonMapper();
    List<TrainingExample> pairs = new ArrayList<>();
    for (String line : Files.readAllLines(file).subList(0, count)) {
      JsonNode row = json.readTree(line);
      JsonNode best = row.path("responses").path(0);
      JsonNode worst = best;
      for (JsonNode response : row.path("responses")) {
        double preference = response.path("preference").asDouble();
        best = preference > best.path("preference").asDouble() ? response : best;
        worst = preference < worst.path("preference").asDouble() ? response : worst;
      }
      pairs.add(
          new TrainingExample.Preference(
              List.of(Message.user(row.path("instruction").asText())),
              best.path("text").asText(),
              worst.path("text").asText()));
    }
    return pairs;
  }
}
