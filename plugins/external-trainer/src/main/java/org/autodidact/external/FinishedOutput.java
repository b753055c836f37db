package org.autodidact.external;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.TreeMap;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Probe;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.LoraMerge;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.files.AtomicFolders;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.checkpoints.safetensors.Safetensors;
import org.autodidact.checkpoints.safetensors.TensorFiles;
import org.autodidact.checkpoints.safetensors.TensorInfo;

/** The model that the command left: checked, and put in its place as a whole. */
final class FinishedOutput {
  /** Says which training the folder is of, for a process that dies before it could tell. */
  private static final String RECORD = "external-training.json";

  private static final String MERGED = "merged";

  /** Weights that are looked at together. */
  private static final int PIECE = 1 << 20;

  private static final JsonMapper JSON = new JsonMapper();

  private FinishedOutput() {}

  /** Checks the model and gives it its name. */
  static void take(TrainingRequest request, String digest, TrainingResult result) {
    Path output = request.output().folder().toAbsolutePath();
    Path made = checked(request, request.stateFolder().resolve(RequestFiles.OUTPUT));
    try {
      Files.write(made.resolve(RECORD), JsonFiles.bytes(record(digest, result)));
      for (Path file : AtomicFolders.entries(made)) {
        if (Files.isRegularFile(file)) {
          try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
            channel.force(true);
          }
        }
      }
      Files.createDirectories(output.getParent());
      Files.move(made, output, StandardCopyOption.ATOMIC_MOVE);
      AtomicFolders.force(output.getParent());
    } catch (IOException e) {
      throw StorageException.of(output + ": the trained model cannot be put there: " + e, e);
    }
  }

  /** The folder of what was asked for: what the command left, an adapter merged into its base. */
  private static Path checked(TrainingRequest request, Path made) {
    if (!Files.isDirectory(made)) {
      throw new AutodidactException(
          "the command ended with exit code 0 and left no model: expected the folder "
              + made
              + ", found nothing");
    }
    try {
      boolean asAdapter = request.settings().lora().filter(l -> !l.merge()).isPresent();
      if (asAdapter) {
        JsonFiles.read(made.resolve("adapter_config.json"));
        Safetensors.read(made.resolve("adapter_model.safetensors"));
        return made;
      }
      if (LoraMerge.isAdapter(made)) {
        Path merged = made.resolveSibling(MERGED);
        AtomicFolders.deleteIfThere(merged);
        LoraMerge.write(request.base().folder(), made, merged);
        checkModel(request, merged);
        return merged;
      }
      checkModel(request, made);
      return made;
    } catch (UnsupportedModelException | InvalidInputException e) {
      throw new AutodidactException("the command left no whole model: " + e.getMessage(), e);
    }
  }

  private static void checkModel(TrainingRequest request, Path made) {
    JsonFiles.read(made.resolve("config.json"));
    TensorFiles.read(made);
    if (!request.base().isReference()) {
      OutputTokenizer.complete(request.base().folder(), made);
    }
    try (ModelFolder model = ModelFolder.open(made)) {
      model.tensors().values().stream()
          .filter(tensor -> tensor.byteLength() <= Integer.MAX_VALUE) // others are not read here
          .forEach(tensor -> requireNumbers(model, tensor));
    } catch (UnsupportedModelException e) {
      // It may be one for another generator.
    }
  }

  private static void requireNumbers(ModelFolder model, TensorInfo tensor) {
    ByteBuffer bytes = model.bytes(tensor);
    int elements = Math.toIntExact(tensor.elements());
    for (int from = 0; from < elements; from += PIECE) {
      int count = Math.min(PIECE, elements - from);
      for (float weight : ModelFolder.floats(tensor, bytes, from, count)) {
        if (!Float.isFinite(weight)) {
          throw new InvalidInputException(
              "a weight of '" + tensor.name() + "' is " + weight + ": the training diverged");
        }
      }
    }
  }

  private static ObjectNode record(String digest, TrainingResult result) {
    ObjectNode record =
        JSON.createObjectNode()
            .put("trainer", "external")
            .put("request", digest)
            .put("stopped-early", result.stoppedEarly())
            .put("kept-step", result.keptStep());
    ArrayNode metrics = record.putArray("metrics");
    for (TrainingMetrics step : result.metrics()) {
      ObjectNode row =
          metrics
              .addObject()
              .put("step", step.step())
              .put("steps", step.steps())
              .put("tokens", step.tokens());
      ObjectNode values = row.putObject("values");
      step.values().forEach(values::put);
    }
    record.set("probes", JSON.valueToTree(result.probes()));
    return record;
  }

  /** The result of this very training, where its model is in its place already. */
  static Optional<TrainingResult> result(TrainingRequest request, String digest) {
    Path file = request.output().folder().resolve(RECORD);
    Optional<ObjectNode> found = JsonFiles.readIfThere(file);
    if (found.isEmpty() || !found.get().path("request").asText().equals(digest)) {
      return Optional.empty();
    }
    ObjectNode record = found.get();
    List<TrainingMetrics> metrics = new ArrayList<>();
    for (JsonNode row : record.path("metrics")) {
      TreeMap<String, Double> values = new TreeMap<>();
      row.path("values").properties().forEach(v -> values.put(v.getKey(), v.getValue().asDouble()));
      metrics.add(
          new TrainingMetrics(
              row.path("step").asInt(),
              row.path("steps").asInt(),
              row.path("tokens").asLong(),
              values));
    }
    List<Probe.Result> probes = new ArrayList<>();
    for (JsonNode probe : record.path("probes")) {
      probes.add(
          new Probe.Result(
              probe.path("before").asDouble(),
              probe.path("after").asDouble(),
              probe.path("tokens").asInt(),
              probe.path("rounding").asDouble()));
    }
    return Optional.of(
        new TrainingResult(
            request.output(),
            metrics,
            record.path("stopped-early").asBoolean(),
            record.path("kept-step").asInt(),
            probes));
  }
}
