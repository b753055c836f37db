package org.autodidact.pytorch;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.Stream;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.checkpoints.Folders;

/**
 * What a killed training resumes from: a folder a saved step, each written beside its place, forced
 * to disk and renamed, the older ones deleted after. Tensors are raw float32 in the machine's
 * order.
 */
final class TrainingState {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String STEP = "step-";
  private static final String BEST = "best-";
  private static final String TENSORS = "tensors.f32";
  private static final String FACTS = "facts.json";

  private final Path folder;
  private final String fingerprint;

  /**
   * The numbers of a state.
   *
   * @param fingerprint of the training that it belongs to
   * @param step steps done
   * @param reference Σ ln p of each sequence under the reference, by example and sequence
   * @param metrics of the steps done
   * @param bestStep the step with the lowest held-out loss, 0 where there was no evaluation
   * @param bestLoss that loss
   * @param worse evaluations since then
   */
  record Facts(
      String fingerprint,
      int step,
      List<List<Double>> reference,
      List<Row> metrics,
      int bestStep,
      double bestLoss,
      int worse) {}

  /** {@link TrainingMetrics} as JSON. */
  record Row(int step, int steps, long tokens, Map<String, Double> values) {
    static Row of(TrainingMetrics m) {
      return new Row(m.step(), m.steps(), m.tokens(), m.values());
    }

    TrainingMetrics metrics() {
      return TrainingMetrics.of(step, steps, tokens, values);
    }
  }

  TrainingState(Path folder, String fingerprint) {
    this.folder = folder;
    this.fingerprint = fingerprint;
  }

  /** The numbers of the last saved state. */
  Optional<Facts> facts() {
    Optional<Path> last = last(STEP);
    if (last.isEmpty()) {
      return Optional.empty();
    }
    Path file = last.get().resolve(FACTS);
    try {
      Facts facts = JSON.readValue(file.toFile(), Facts.class);
      if (!facts.fingerprint().equals(fingerprint)) {
        throw new InvalidInputException(
            folder
                + ": holds the state of another training (other weights, examples, settings or"
                + " seed); delete it to begin this one");
      }
      return Optional.of(facts);
    } catch (IOException e) {
      throw new StorageException(
          file + ": cannot be read: " + e + "; delete " + folder + " to begin again", e);
    }
  }

  /** Reads the last saved state's tensors into {@code tensors}. */
  void load(List<ByteBuffer> tensors) {
    read(last(STEP).orElseThrow().resolve(TENSORS), tensors);
  }

  /** Reads the best weights. */
  void loadBest(List<ByteBuffer> weights) {
    read(last(BEST).orElseThrow().resolve(TENSORS), weights);
  }

  /** Saves a state; the ones before are deleted. */
  void save(Facts facts, List<ByteBuffer> tensors) {
    try {
      write(STEP, facts.step(), tensors, Optional.of(JSON.writeValueAsBytes(facts)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Saves the best weights so far. */
  void saveBest(int step, List<ByteBuffer> weights) {
    write(BEST, step, weights, Optional.empty());
  }

  void delete() {
    Folders.deleteIfThere(folder);
  }

  private void write(String prefix, int step, List<ByteBuffer> tensors, Optional<byte[]> facts) {
    Path target = folder.resolve(String.format("%s%08d", prefix, step));
    Path part = folder.resolve(target.getFileName() + ".part");
    try {
      Files.createDirectories(folder);
      Folders.deleteIfThere(part);
      Files.createDirectory(part);
      writeForced(part.resolve(TENSORS), tensors);
      if (facts.isPresent()) {
        writeForced(part.resolve(FACTS), List.of(ByteBuffer.wrap(facts.get())));
      }
      Folders.deleteIfThere(target);
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
      Folders.force(folder);
      for (Path older : all(prefix)) {
        if (!older.equals(target)) {
          Folders.deleteIfThere(older);
        }
      }
    } catch (IOException e) {
      throw new StorageException(
          target
              + ": the training's state cannot be saved: "
              + e
              + "; the state before it stays, free space and call again",
          e);
    }
  }

  private static void writeForced(Path file, List<ByteBuffer> buffers) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      for (ByteBuffer buffer : buffers) {
        ByteBuffer view = buffer.duplicate();
        while (view.hasRemaining()) {
          channel.write(view);
        }
      }
      channel.force(true);
    }
  }

  private static void read(Path file, List<ByteBuffer> buffers) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long expected = buffers.stream().mapToLong(ByteBuffer::remaining).sum();
      if (channel.size() != expected) {
        throw new StorageException(
            file
                + ": expected "
                + expected
                + " bytes, found "
                + channel.size()
                + "; delete the state's folder to begin again");
      }
      for (ByteBuffer buffer : buffers) {
        ByteBuffer view = buffer.duplicate();
        while (view.hasRemaining() && channel.read(view) >= 0) {}
      }
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
  }

  private Optional<Path> last(String prefix) {
    List<Path> all = all(prefix);
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /** The whole states, oldest first. */
  private List<Path> all(String prefix) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return new ArrayList<>(
          entries
              .filter(p -> p.getFileName().toString().matches(prefix + "\\d{8}"))
              .sorted()
              .toList());
    } catch (IOException e) {
      throw new StorageException(folder + ": cannot be read: " + e, e);
    }
  }

  /** Metrics as the lines of metrics.jsonl: {@code step} and TRL's names. */
  static byte[] lines(List<TrainingMetrics> metrics) {
    StringBuilder lines = new StringBuilder();
    for (TrainingMetrics m : metrics) {
      Map<String, Object> line = new java.util.LinkedHashMap<>();
      line.put("step", m.step());
      line.put("tokens", m.tokens());
      line.putAll(m.values());
      try {
        lines.append(JSON.writeValueAsString(line)).append('\n');
      } catch (JsonProcessingException e) {
        throw new IllegalStateException(e);
      }
    }
    return lines.toString().getBytes(java.nio.charset.StandardCharsets.UTF_8);
  }

  /** What a finished folder says of its training: {@code training.json}. */
  record Finished(
      String fingerprint,
      String parent,
      String settings,
      long seed,
      int examples,
      boolean stoppedEarly,
      int keptStep,
      List<Row> metrics) {

    private static final String FILE = "training.json";

    /** The files that a trained folder has besides the model's own. */
    Map<String, byte[]> files() {
      try {
        return Map.of(
            FILE,
            JSON.writerWithDefaultPrettyPrinter().writeValueAsBytes(this),
            "metrics.jsonl",
            lines(metrics.stream().map(Row::metrics).toList()));
      } catch (JsonProcessingException e) {
        throw new IllegalStateException(e);
      }
    }

    /** What the folder says, where it is a trained one. */
    static Optional<Finished> read(Path folder) {
      Path file = folder.resolve(FILE);
      if (!Files.exists(file)) {
        return Optional.empty();
      }
      try {
        return Optional.of(JSON.readValue(file.toFile(), new TypeReference<Finished>() {}));
      } catch (IOException e) {
        throw new StorageException(file + ": cannot be read: " + e, e);
      }
    }
  }
}
