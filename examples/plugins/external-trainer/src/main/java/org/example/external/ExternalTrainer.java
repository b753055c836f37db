package org.example.external;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.Writer;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Setting;
import org.autodidact.api.ShownText;
import org.autodidact.api.StorageException;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainingExample.Demonstration;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;

/**
 * Hands a folder with {@code examples.jsonl} and {@code settings.json} to a command, which writes a
 * line of JSON a step, {@code {"step": 1, "steps": 6, "loss": 0.69}}, and waits for one after each.
 * Begun again, it first writes those of before, with {@code "earlier": true}. It leaves the model
 * in {@code output} of the folder.
 */
public record ExternalTrainer(@Setting("the program and its arguments") String command)
    implements Trainer {
  private static final ObjectMapper JSON = new ObjectMapper();

  @Override
  public TrainingResult train(
      TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
    boolean sft = request.settings().loss().equals(TrainingSettings.Loss.SFT);
    if (request.examples().isEmpty()
        || request.examples().stream().anyMatch(e -> e instanceof Demonstration != sft)) {
      throw new InvalidInputException("expected examples of the kind of the loss, at least one");
    }
    Path folder = request.stateFolder();
    try {
      write(request);
      List<String> arguments = new ArrayList<>(List.of(command.split("\\s+")));
      arguments.add(folder.toString());
      Path log = folder.resolve("log.txt");
      Process process = new ProcessBuilder(arguments).redirectError(log.toFile()).start();
      List<TrainingMetrics> all = new ArrayList<>();
      try (Cancellation.Registration registered = cancellation.onCancel(process::destroy)) {
        follow(process, all, metrics, cancellation);
        int status = process.onExit().join().exitValue();
        cancellation.throwIfCancelled();
        if (status != 0) {
          throw new AutodidactException(command + ": " + ShownText.of(Files.readString(log)));
        }
      } finally {
        process.destroy();
      }
      Files.move(folder.resolve("output"), request.output().folder());
      for (String file : List.of("examples.jsonl", "settings.json", "log.txt", "state.json")) {
        Files.deleteIfExists(folder.resolve(file));
      }
      Files.delete(folder);
      return new TrainingResult(request.output(), all, false);
    } catch (IOException e) {
      cancellation.throwIfCancelled(); // the pipe of a process that was destroyed
      throw StorageException.of(command + ": " + e, e);
    }
  }

  private static void write(TrainingRequest request) throws IOException {
    Files.createDirectories(request.stateFolder());
    List<String> lines = new ArrayList<>();
    for (Object example : request.examples()) {
      lines.add(JSON.writeValueAsString(example)); // a record is an object of its components
    }
    Files.write(request.stateFolder().resolve("examples.jsonl"), lines);
    TrainingSettings settings = request.settings();
    Map<String, Object> values =
        Map.of(
            "base", request.base().location(),
            "seed", request.seed(),
            "loss", settings.loss().name(),
            "beta", settings.lossParameters().beta(),
            "learning-rate", settings.learningRate(),
            "batch-size", settings.batchSize(),
            "epochs", settings.epochs());
    JSON.writeValue(request.stateFolder().resolve("settings.json").toFile(), values);
  }

  private static void follow(
      Process process,
      List<TrainingMetrics> all,
      Consumer<TrainingMetrics> metrics,
      Cancellation cancellation)
      throws IOException {
    try (BufferedReader lines = process.inputReader();
        Writer answers = process.outputWriter()) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        JsonNode step = JSON.readTree(line);
        Map<String, Double> loss = Map.of("loss", step.get("loss").asDouble());
        all.add(TrainingMetrics.of(step.get("step").asInt(), step.get("steps").asInt(), 0, loss));
        if (!step.has("earlier")) {
          metrics.accept(all.get(all.size() - 1));
          cancellation.throwIfCancelled(); // rule T8: the next step waits for the answer
          answers.append("go\n").flush();
        }
      }
    }
  }
}
