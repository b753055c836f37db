package org.autodidact.spark.driver;

import java.io.IOException;
import java.io.OutputStream;
import java.net.URI;
import java.net.URISyntaxException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;
import org.apache.hadoop.fs.FSDataOutputStream;
import org.apache.hadoop.fs.FileSystem;
import org.apache.spark.SparkContext;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.spark.wire.SentCheckpoint;
import org.autodidact.spark.wire.SentCheckpoint.Way;

/** The way of a checkpoint from the driver to executors. */
public final class Transport {
  private static final String SHARED = "shared";
  private static final String FILES = "files";

  /** Written last: a folder that has it is whole, in a store that cannot rename, too. */
  private static final String WHOLE = "autodidact-whole";

  private Transport() {}

  /** Refuses a value that the option cannot have. */
  public static void check(String checkpoints) {
    if (!checkpoints.equals(SHARED) && !checkpoints.equals(FILES) && !isUri(checkpoints)) {
      throw new InvalidInputException(
          "the option 'checkpoints' must be 'shared', 'files' or the URI of a folder, as"
              + " hdfs:///models, found '"
              + checkpoints
              + "'");
    }
  }

  private static boolean isUri(String text) {
    try {
      return new URI(text).isAbsolute();
    } catch (URISyntaxException e) {
      return false;
    }
  }

  /** Sends a checkpoint, where it must be sent and was not. */
  static SentCheckpoint send(
      Checkpoint checkpoint, String checkpoints, SparkContext spark, Cancellation cancellation) {
    if (checkpoint.isReference()) {
      return new SentCheckpoint(
          checkpoint.name(),
          Way.REFERENCE,
          checkpoint.location(),
          new TreeMap<>(),
          checkpoint.location());
    }
    Path folder = checkpoint.folder().toAbsolutePath();
    try {
      Content content = Content.of(folder);
      String name = "autodidact-" + content.id();
      if (checkpoints.equals(SHARED)) {
        return content.sent(checkpoint, Way.SHARED, folder.toString());
      }
      if (checkpoints.equals(FILES)) {
        addArchive(spark, folder, content, name + ".zip", cancellation);
        return content.sent(checkpoint, Way.ARCHIVE, name + ".zip");
      }
      String to = checkpoints.replaceFirst("/+$", "") + "/" + name;
      upload(spark, folder, content, to, cancellation);
      return content.sent(checkpoint, Way.HADOOP, to);
    } catch (IOException e) {
      throw new StorageException(
          folder + ": cannot be sent to executors (checkpoints: " + checkpoints + "): " + e, e);
    }
  }

  /**
   * The files of a checkpoint.
   *
   * @param files sizes by path within the folder
   * @param id of folder, names, sizes and times: another one after any change
   */
  private record Content(TreeMap<String, Long> files, String id) {
    static Content of(Path folder) throws IOException {
      TreeMap<String, Long> files = new TreeMap<>();
      StringBuilder all = new StringBuilder(folder.toString());
      try (Stream<Path> walk = Files.walk(folder)) {
        List<Path> found = walk.filter(Files::isRegularFile).sorted().toList();
        for (Path file : found) {
          String name = folder.relativize(file).toString().replace('\\', '/');
          files.put(name, Files.size(file));
          all.append('\n').append(name).append('\n').append(Files.size(file));
          all.append('\n').append(Files.getLastModifiedTime(file).toInstant());
        }
      }
      return new Content(files, hash(all.toString()));
    }

    private static String hash(String text) {
      try {
        byte[] hash =
            MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
        return HexFormat.of().formatHex(hash, 0, 8);
      } catch (NoSuchAlgorithmException e) {
        throw new IllegalStateException(e); // every JDK has it
      }
    }

    SentCheckpoint sent(Checkpoint checkpoint, Way way, String location) {
      return new SentCheckpoint(checkpoint.name(), way, location, files, id);
    }
  }

  /**
   * Gives Spark the folder as an archive, which executors fetch with their next task. It is not
   * compressed, as weights do not get smaller.
   */
  private static void addArchive(
      SparkContext spark, Path folder, Content content, String name, Cancellation cancellation)
      throws IOException {
    if (spark.listArchives().exists(path -> path.endsWith(name))) {
      return;
    }
    Path archive = Files.createTempDirectory("autodidact-spark").resolve(name);
    archive.getParent().toFile().deleteOnExit();
    archive.toFile().deleteOnExit();
    try (ZipOutputStream out = new ZipOutputStream(Files.newOutputStream(archive))) {
      out.setMethod(ZipOutputStream.STORED);
      for (Map.Entry<String, Long> file : content.files().entrySet()) {
        Path path = folder.resolve(file.getKey());
        ZipEntry entry = new ZipEntry(file.getKey());
        entry.setSize(file.getValue());
        entry.setCompressedSize(file.getValue());
        entry.setCrc(checksum(path, cancellation));
        out.putNextEntry(entry);
        copy(path, out, cancellation);
        out.closeEntry();
      }
    }
    spark.addArchive(archive.toUri().toString());
  }

  private static long checksum(Path file, Cancellation cancellation) throws IOException {
    CRC32 sum = new CRC32();
    copy(
        file,
        new OutputStream() {
          @Override
          public void write(int b) {
            sum.update(b);
          }

          @Override
          public void write(byte[] bytes, int from, int count) {
            sum.update(bytes, from, count);
          }
        },
        cancellation);
    return sum.getValue();
  }

  private static void copy(Path file, OutputStream out, Cancellation cancellation)
      throws IOException {
    byte[] buffer = new byte[1 << 20];
    try (var in = Files.newInputStream(file)) {
      for (int n = in.read(buffer); n >= 0; n = in.read(buffer)) {
        cancellation.throwIfCancelled();
        out.write(buffer, 0, n);
      }
    }
  }

  private static void upload(
      SparkContext spark, Path folder, Content content, String to, Cancellation cancellation)
      throws IOException {
    org.apache.hadoop.fs.Path target = new org.apache.hadoop.fs.Path(to);
    FileSystem files = target.getFileSystem(spark.hadoopConfiguration());
    org.apache.hadoop.fs.Path whole = new org.apache.hadoop.fs.Path(target, WHOLE);
    if (files.exists(whole)) {
      return;
    }
    for (String name : content.files().keySet()) {
      try (FSDataOutputStream out = files.create(new org.apache.hadoop.fs.Path(target, name))) {
        copy(folder.resolve(name), out, cancellation);
      }
    }
    files.create(whole).close();
  }
}
