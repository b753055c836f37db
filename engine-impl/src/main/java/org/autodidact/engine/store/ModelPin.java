package org.autodidact.engine.store;

import com.fasterxml.jackson.core.type.TypeReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.files.CheckpointFiles;
import org.autodidact.checkpoints.files.FileStamp;
import org.autodidact.checkpoints.files.Sha256;

/**
 * The state of a model's files when the run stored it: their SHA-256, and what the file system said
 * of them. Held against the files by the latter alone, which takes no time; the content is read
 * where that differs, as of a run that was copied or moved to another disk.
 */
final class ModelPin {
  private static final String ADVICE =
      "; put the file back as it was, or begin a new run with another --output";

  private final Map<String, FilePin> files;

  private ModelPin(Map<String, FilePin> files) {
    this.files = files;
  }

  /** A file, by its name in the model's folder. */
  private record FilePin(long size, long modified, long changed, long inode, String sha256) {
    static FilePin of(FileStamp stamp, String sha256) {
      return new FilePin(stamp.size(), stamp.modified(), stamp.changed(), stamp.inode(), sha256);
    }

    FileStamp stamp() {
      return new FileStamp(size, modified, changed, inode);
    }
  }

  /** The pin of a model's files now; reads all of them. */
  static ModelPin of(Path folder, Cancellation cancellation) {
    Map<String, FilePin> files = new TreeMap<>();
    for (Path file : CheckpointFiles.ofModel(folder)) {
      FileStamp before = FileStamp.of(file);
      files.put(file.getFileName().toString(), FilePin.of(before, Sha256.of(file, cancellation)));
    }
    return new ModelPin(files);
  }

  /**
   * Holds the pin against the files there are.
   *
   * @param name of the model, for messages
   * @return the pin with what the file system says now, where that is new though the content is not
   * @throws InvalidInputException where a file has changed, is gone, or is new
   */
  Optional<ModelPin> verify(String name, Path folder, Cancellation cancellation) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException(
          "the model "
              + name
              + " of this run is gone: "
              + folder
              + " is not there; put it back, or begin a new run with another --output");
    }
    Map<String, FilePin> now = new LinkedHashMap<>();
    boolean isNew = false;
    for (Map.Entry<String, FilePin> entry : files.entrySet()) {
      Path file = folder.resolve(entry.getKey());
      FilePin pin = entry.getValue();
      if (!Files.isRegularFile(file)) {
        throw changed(name, file, "is gone");
      }
      FileStamp stamp = FileStamp.of(file);
      if (stamp.size() != pin.size()) {
        throw changed(name, file, "has " + stamp.size() + " bytes, it had " + pin.size());
      }
      if (!stamp.equals(pin.stamp()) || !stamp.isSure()) {
        if (!Sha256.of(file, cancellation).equals(pin.sha256())) {
          throw changed(name, file, "has another content than when the run stored it");
        }
        isNew = isNew || !stamp.equals(pin.stamp());
      }
      now.put(entry.getKey(), FilePin.of(stamp, pin.sha256()));
    }
    for (Path file : CheckpointFiles.ofModel(folder)) {
      if (!files.containsKey(file.getFileName().toString())) {
        throw changed(name, file, "was not there when the run stored the model");
      }
    }
    return isNew ? Optional.of(new ModelPin(now)) : Optional.empty();
  }

  private static InvalidInputException changed(String name, Path file, String how) {
    return new InvalidInputException("the model " + name + ": " + file + " " + how + ADVICE);
  }

  String toJson() {
    return Database.json(files);
  }

  static ModelPin parse(String json) {
    return new ModelPin(Database.parse(json, new TypeReference<TreeMap<String, FilePin>>() {}));
  }
}
