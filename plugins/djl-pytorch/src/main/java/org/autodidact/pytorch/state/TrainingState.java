package org.autodidact.pytorch.state;

import com.fasterxml.jackson.annotation.JsonAlias;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.zip.CRC32C;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.checkpoints.files.AtomicFolders;
import org.autodidact.checkpoints.files.FolderLock;

/**
 * What an interrupted training resumes from: one folder for each saved step, written under another
 * name, forced to disk and renamed; the older ones are deleted after. Tensors are raw float32 in
 * native byte order, followed by their CRC-32C in 8 bytes. Locked: one process at a time.
 */
public final class TrainingState implements AutoCloseable {
  private static final JsonMapper JSON = new JsonMapper();
  private static final String STEP = "step-";
  private static final String BEST = "best-";
  private static final String TENSORS = "tensors.f32";
  private static final String PROGRESS = "facts.json";

  private static final String PART = ".part";
  private static final String LOCK = "lock";
  static final String METRICS = "metrics.jsonl";
  private static final String WRITTEN_BY_TRAININGS =
      "(" + STEP + "|" + BEST + ")\\d{8}(\\.part)?|" + LOCK + "|" + METRICS.replace(".", "\\.");

  private final Path folder;
  private final FolderLock lock;

  /**
   * How far a training has come, beside its tensors.
   *
   * @param fingerprint of the training
   * @param step steps done
   * @param reference Σ ln p of each example's sequences under the reference model
   * @param metrics of the steps done
   * @param bestStep the step with the lowest held-out loss, 0 where there was no evaluation
   * @param bestLoss that loss
   * @param evaluationsSinceBest evaluations since then; {@code worse} as earlier versions stored it
   */
  public record Progress(
      Fingerprint fingerprint,
      int step,
      List<List<Double>> reference,
      List<Row> metrics,
      int bestStep,
      double bestLoss,
      @JsonAlias("worse") int evaluationsSinceBest) {}

  /** {@link TrainingMetrics} of a step as JSON. */
  public record Row(int step, int steps, long tokens, Map<String, Double> values) {
    public static Row of(TrainingMetrics m) {
      return new Row(m.step(), m.steps(), m.tokens(), m.values());
    }

    public TrainingMetrics metrics() {
      return TrainingMetrics.of(step, steps, tokens, values);
    }
  }

  private TrainingState(Path folder, FolderLock lock) {
    this.folder = folder;
    this.lock = lock;
  }

  /**
   * Locks the folder, which is created where it does not exist.
   *
   * @throws InvalidInputException where another training holds the lock, or the folder has entries
   *     that no training wrote
   */
  public static TrainingState open(Path folder) {
    for (Path entry : AtomicFolders.entries(folder)) {
      if (!entry.getFileName().toString().matches(WRITTEN_BY_TRAININGS)) {
        throw new InvalidInputException(
            entry
                + ": no training wrote this, and "
                + folder
                + " is where this one would keep, and in the end delete, its state; move it, or name"
                + " another output");
      }
    }
    FolderLock lock = FolderLock.take(folder, LOCK, "training");
    try {
      for (Path entry : AtomicFolders.entries(folder)) {
        if (entry.getFileName().toString().endsWith(PART)) {
          AtomicFolders.deleteIfThere(entry); // of a training that was killed
        }
      }
      return new TrainingState(folder, lock);
    } catch (RuntimeException | Error e) {
      lock.close();
      throw e;
    }
  }

  /** Starts {@code metrics.jsonl} anew with the steps that are done. */
  public void startMetrics(List<TrainingMetrics> done) {
    try {
      Files.deleteIfExists(folder.resolve(METRICS));
    } catch (IOException e) {
      throw failure(folder.resolve(METRICS), e);
    }
    appendMetrics(done);
  }

  /** Appends to {@code metrics.jsonl}, which can be read while the training runs. */
  public void appendMetrics(List<TrainingMetrics> steps) {
    try {
      Files.write(
          folder.resolve(METRICS),
          lines(steps),
          StandardOpenOption.CREATE,
          StandardOpenOption.APPEND);
    } catch (IOException e) {
      throw failure(folder.resolve(METRICS), e);
    }
  }

  /**
   * The progress of the last saved state; empty where nothing was learned yet.
   *
   * @param fingerprint of the training that resumes; the state of another is refused
   */
  public Optional<Progress> progress(Fingerprint fingerprint) {
    Optional<Path> last = last(STEP);
    if (last.isEmpty()) {
      return Optional.empty();
    }
    Path file = last.get().resolve(PROGRESS);
    try {
      Progress progress = JSON.readValue(file.toFile(), Progress.class);
      if (progress.fingerprint() == null
          || progress.reference() == null
          || progress.metrics() == null) {
        throw new IOException("it is not whole");
      }
      boolean earlier = progress.fingerprint().version() != fingerprint.version();
      List<String> differ = earlier ? List.of() : progress.fingerprint().differences(fingerprint);
      if (earlier || !differ.isEmpty()) {
        if (progress.step() == 0) {
          return Optional.empty();
        }
        throw new InvalidInputException(
            folder
                + ": holds the state of another training ("
                + (earlier
                    ? "of another version of this program"
                    : "what differs: " + String.join(", ", differ))
                + "); delete it to begin this one");
      }
      return Optional.of(progress);
    } catch (IOException e) {
      throw new StorageException(
          file + ": cannot be read: " + e + "; delete " + folder + " to begin again", e);
    }
  }

  /** Reads the last saved state's tensors into {@code tensors}. */
  public void load(List<ByteBuffer> tensors) {
    read(last(STEP).orElseThrow().resolve(TENSORS), tensors);
  }

  /** Reads the best step's weights into {@code weights}. */
  public void loadBest(int step, List<ByteBuffer> weights) {
    read(at(BEST, step).resolve(TENSORS), weights);
  }

  private Path at(String prefix, int step) {
    return folder.resolve(String.format(Locale.ROOT, "%s%08d", prefix, step));
  }

  /** Saves a state and deletes the earlier ones. */
  public void save(Progress progress, List<ByteBuffer> tensors) {
    try {
      write(STEP, progress.step(), tensors, Optional.of(JSON.writeValueAsBytes(progress)));
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** Saves the best weights so far. */
  public void saveBest(int step, List<ByteBuffer> weights) {
    write(BEST, step, weights, Optional.empty());
  }

  /** Deletes the folder, as the training has finished. */
  public void delete() {
    AtomicFolders.deleteIfThere(folder);
  }

  /** Unlocks the folder, and deletes it where nothing was saved. */
  @Override
  public void close() {
    try (lock) {
      List<Path> left = AtomicFolders.entries(folder);
      if (left.stream().allMatch(path -> path.endsWith(LOCK))) {
        AtomicFolders.deleteIfThere(folder);
      }
    }
  }

  private void write(String prefix, int step, List<ByteBuffer> tensors, Optional<byte[]> progress) {
    Path target = at(prefix, step);
    Path part = folder.resolve(target.getFileName() + PART);
    try {
      AtomicFolders.deleteIfThere(part);
      Files.createDirectory(part);
      writeForced(part.resolve(TENSORS), tensors, true);
      if (progress.isPresent()) {
        writeForced(part.resolve(PROGRESS), List.of(ByteBuffer.wrap(progress.get())), false);
      }
      AtomicFolders.deleteIfThere(target);
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
      AtomicFolders.force(folder);
      for (Path older : all(prefix)) {
        if (!older.equals(target)) {
          AtomicFolders.deleteIfThere(older);
        }
      }
    } catch (IOException e) {
      AutodidactException failure = failure(target, e);
      try {
        AtomicFolders.deleteIfThere(part);
      } catch (StorageException again) {
        failure.addSuppressed(again);
      }
      throw failure;
    }
  }

  private static AutodidactException failure(Path target, IOException e) {
    return StorageException.of(
        target
            + ": the training's state cannot be saved: "
            + e
            + "; what was saved before stays: free space and call again, or save less often",
        e);
  }

  private static void writeForced(Path file, List<ByteBuffer> buffers, boolean summed)
      throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      CRC32C sum = new CRC32C();
      for (ByteBuffer buffer : buffers) {
        sum.update(buffer.duplicate());
        writeAll(channel, buffer.duplicate());
      }
      if (summed) {
        writeAll(channel, ByteBuffer.allocate(Long.BYTES).putLong(sum.getValue()).flip());
      }
      channel.force(true);
    }
  }

  private static void writeAll(FileChannel channel, ByteBuffer bytes) throws IOException {
    while (bytes.hasRemaining()) {
      channel.write(bytes);
    }
  }

  private static void read(Path file, List<ByteBuffer> buffers) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      long expected = Long.BYTES + buffers.stream().mapToLong(ByteBuffer::remaining).sum();
      if (channel.size() != expected) {
        throw new StorageException(
            file
                + ": expected "
                + expected
                + " bytes, found "
                + channel.size()
                + "; delete the state's folder to begin again");
      }
      CRC32C sum = new CRC32C();
      for (ByteBuffer buffer : buffers) {
        readAll(channel, buffer.duplicate());
        sum.update(buffer.duplicate());
      }
      ByteBuffer stored = ByteBuffer.allocate(Long.BYTES);
      readAll(channel, stored);
      if (stored.flip().getLong() != sum.getValue()) {
        throw new StorageException(
            file
                + ": its checksum is another than what was saved, so it is damaged; delete the"
                + " state's folder to begin again");
      }
    } catch (IOException e) {
      throw StorageException.of(file + ": cannot be read: " + e, e);
    }
  }

  private static void readAll(FileChannel channel, ByteBuffer into) throws IOException {
    while (into.hasRemaining() && channel.read(into) >= 0) {}
  }

  private Optional<Path> last(String prefix) {
    List<Path> all = all(prefix);
    return all.isEmpty() ? Optional.empty() : Optional.of(all.get(all.size() - 1));
  }

  /** The complete states, oldest first. */
  private List<Path> all(String prefix) {
    return AtomicFolders.entries(folder).stream()
        .filter(p -> p.getFileName().toString().matches(prefix + "\\d{8}"))
        .toList();
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
}
