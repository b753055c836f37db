package org.autodidact.spark.executor;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.apache.hadoop.conf.Configuration;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.SparkEnv;
import org.apache.spark.SparkFiles;
import org.apache.spark.deploy.SparkHadoopUtil;
import org.autodidact.api.Checkpoint;
import org.autodidact.spark.wire.SentCheckpoint;

/**
 * A checkpoint as a folder on an executor's machine; one that was copied there from Hadoop is
 * deleted when it is closed.
 */
record LocalCheckpoint(Checkpoint checkpoint, boolean isCopy) implements AutoCloseable {

  /**
   * Finds it, or copies it here.
   *
   * @throws ExecutorFailure where it is not here or not as the driver sent it
   */
  static LocalCheckpoint of(SentCheckpoint sent) {
    return switch (sent.way()) {
      case REFERENCE ->
          new LocalCheckpoint(Checkpoint.reference(sent.name(), sent.location()), false);
      case SHARED ->
          found(
              sent,
              Path.of(sent.location()),
              false,
              "; let all machines see it by this path, or set the option 'checkpoints' to 'files'"
                  + " or to a folder's URI");
      case ARCHIVE ->
          found(sent, Path.of(SparkFiles.get(sent.location())), false, "; Spark did not send it");
      case HADOOP -> copy(sent);
    };
  }

  private static LocalCheckpoint found(
      SentCheckpoint sent, Path folder, boolean isCopy, String remedy) {
    if (!Files.isDirectory(folder)) {
      throw new ExecutorFailure(sent.name() + ": there is no folder " + folder + " here" + remedy);
    }
    for (Map.Entry<String, Long> file : sent.files().entrySet()) {
      Path path = folder.resolve(file.getKey());
      try {
        if (!Files.isRegularFile(path) || Files.size(path) != file.getValue()) {
          throw new ExecutorFailure(
              sent.name()
                  + ": "
                  + path
                  + " is not the driver's, which has "
                  + file.getValue()
                  + " bytes, but "
                  + (Files.exists(path) ? "has " + Files.size(path) : "is not there")
                  + remedy);
        }
      } catch (IOException e) {
        throw new ExecutorFailure(path + ": cannot be read: " + e, e);
      }
    }
    return new LocalCheckpoint(new Checkpoint(sent.name(), folder), isCopy);
  }

  private static LocalCheckpoint copy(SentCheckpoint sent) {
    Path folder = Path.of(SparkFiles.getRootDirectory(), "autodidact-" + sent.id());
    org.apache.hadoop.fs.Path from = new org.apache.hadoop.fs.Path(sent.location());
    Configuration hadoop = SparkHadoopUtil.get().newConfiguration(SparkEnv.get().conf());
    try {
      delete(folder);
      FileSystem files = from.getFileSystem(hadoop);
      for (String name : sent.files().keySet()) {
        Path to = folder.resolve(name);
        Files.createDirectories(to.getParent());
        files.copyToLocalFile(
            false,
            new org.apache.hadoop.fs.Path(from, name),
            new org.apache.hadoop.fs.Path(to.toUri()),
            true);
      }
    } catch (IOException | RuntimeException e) {
      throw new ExecutorFailure(
          sent.name()
              + ": cannot be copied from "
              + from
              + " to "
              + folder
              + ": "
              + e
              + "; see that executors may read the one and have room for the other",
          e);
    }
    return found(sent, folder, true, "; the copy is not whole");
  }

  private static void delete(Path folder) throws IOException {
    if (Files.exists(folder)) {
      try (Stream<Path> walk = Files.walk(folder)) {
        List<Path> deepestFirst = walk.sorted(Comparator.reverseOrder()).toList();
        for (Path path : deepestFirst) {
          Files.deleteIfExists(path);
        }
      }
    }
  }

  @Override
  public void close() {
    if (isCopy) {
      try {
        delete(checkpoint.folder());
      } catch (IOException e) {
        // It lies in a temporary folder of Spark's, which is deleted with the executor.
      }
    }
  }
}
