package org.autodidact.pytorch.state;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.Probe;
import org.autodidact.api.StorageException;

/** What a trained model's folder says of its training: {@code training.json}. */
public record FinishedTraining(
    Fingerprint fingerprint,
    String parent,
    Object settings,
    long seed,
    int examples,
    boolean stoppedEarly,
    int keptStep,
    List<TrainingState.Row> metrics,
    List<Probe.Result> probes) {

  private static final JsonMapper JSON = new JsonMapper();
  private static final String FILE = "training.json";

  /** Whether it comes from this very training. */
  public boolean isOf(Fingerprint now) {
    return fingerprint != null
        && fingerprint.version() == now.version()
        && fingerprint.differences(now).isEmpty();
  }

  /** The files that a trained folder has besides the model's own. */
  public Map<String, byte[]> files() {
    try {
      return Map.of(
          FILE,
          JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this),
          TrainingState.METRICS,
          TrainingState.lines(metrics.stream().map(TrainingState.Row::metrics).toList()));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What the folder says, where it is a trained one. */
  public static Optional<FinishedTraining> read(Path folder) {
    Path file = folder.resolve(FILE);
    if (!Files.exists(file)) {
      return Optional.empty();
    }
    try {
      return Optional.of(JSON.readValue(file.toFile(), new TypeReference<FinishedTraining>() {}));
    } catch (IOException e) {
      throw StorageException.of(file + ": cannot be read: " + e, e);
    }
  }
}
