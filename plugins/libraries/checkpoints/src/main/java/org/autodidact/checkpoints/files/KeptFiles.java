package org.autodidact.checkpoints.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.atomic.AtomicLong;

/**
 * A folder of files that can be made again, each of which appears whole or not at all. What was
 * used longest ago goes where they are larger than their limit; who has one open goes on reading
 * it. Any number of processes and threads may use the folder at once: of two that make one file the
 * last one's stays.
 */
public final class KeptFiles {
  private static final String PART = ".part-";
  private static final String SEEN = "seen";
  private static final AtomicLong PARTS = new AtomicLong();

  private final Path folder;
  private final long limit;

  /**
   * @param limit bytes that all files may take together
   */
  public KeptFiles(Path folder, long limit) {
    this.folder = folder;
    this.limit = limit;
  }

  /** Quantized weights, in the user's cache. */
  public static KeptFiles quantized() {
    return new KeptFiles(CacheFolder.of(CacheFolder.QUANTIZED), CacheLimit.quantizedBytes());
  }

  /** A whole file. */
  public record Entry(Path file, long bytes, Instant used) {}

  public Path folder() {
    return folder;
  }

  /** The hashes of files that these are made of. */
  public KnownHashes hashes() {
    return new KnownHashes(folder.resolve(SEEN));
  }

  /** Whether a file of so many bytes would be kept. */
  public boolean takes(long bytes) {
    return bytes <= limit;
  }

  /** Opens a file for reading, if it is there; it counts as used now. The caller closes it. */
  public Optional<FileChannel> open(String name) throws IOException {
    Path file = folder.resolve(name);
    try {
      FileChannel channel = FileChannel.open(file, StandardOpenOption.READ);
      try {
        Files.setLastModifiedTime(file, FileTime.from(Instant.now()));
      } catch (IOException e) {
        // In a folder that may only be read nothing is dropped either.
      }
      return Optional.of(channel);
    } catch (NoSuchFileException e) {
      return Optional.empty();
    }
  }

  /** Begins a file, which is there once it is finished. */
  public Part begin(String name) throws IOException {
    Files.createDirectories(folder);
    removeDead();
    Path path =
        folder.resolve(name + PART + ProcessHandle.current().pid() + "-" + PARTS.incrementAndGet());
    FileChannel channel =
        FileChannel.open(
            path, StandardOpenOption.CREATE_NEW, StandardOpenOption.READ, StandardOpenOption.WRITE);
    try {
      channel.lock(); // until it is closed, and with it the process's life
    } catch (IOException | RuntimeException e) {
      channel.close();
      throw e;
    }
    return new Part(path, folder.resolve(name), channel);
  }

  /** A file in the making; closed without {@link #finish} it is deleted. */
  public final class Part implements AutoCloseable {
    private final Path path;
    private final Path whole;
    private final FileChannel channel;

    private Part(Path path, Path whole, FileChannel channel) {
      this.path = path;
      this.whole = whole;
      this.channel = channel;
    }

    public FileChannel channel() {
      return channel;
    }

    /**
     * Gives the file its name. It is not forced to disk, which would take seconds: a reader must
     * notice where the machine lost power before the system wrote it.
     */
    public void finish() throws IOException {
      channel.close();
      Files.move(path, whole, StandardCopyOption.ATOMIC_MOVE);
      shrinkTo(limit);
    }

    @Override
    public void close() throws IOException {
      channel.close();
      Files.deleteIfExists(path);
    }
  }

  /** Deletes a file, if it is there. */
  public void discard(String name) throws IOException {
    Files.deleteIfExists(folder.resolve(name));
  }

  /** All whole files, the most recently used one first. */
  public List<Entry> entries() {
    List<Entry> found = new ArrayList<>();
    for (Path path : AtomicFolders.entries(folder)) {
      try {
        if (Files.isRegularFile(path) && !path.getFileName().toString().contains(PART)) {
          found.add(new Entry(path, Files.size(path), Files.getLastModifiedTime(path).toInstant()));
        }
      } catch (IOException e) {
        // Another process has deleted it.
      }
    }
    found.sort(Comparator.comparing(Entry::used).reversed());
    return found;
  }

  /**
   * Deletes what was used longest ago until the rest is no larger.
   *
   * @return the bytes that were freed
   */
  public long shrinkTo(long bytes) {
    List<Entry> all = entries();
    long total = all.stream().mapToLong(Entry::bytes).sum();
    long freed = 0;
    for (int i = all.size() - 1; i >= 0 && total - freed > bytes; i--) {
      try {
        freed += Files.deleteIfExists(all.get(i).file()) ? all.get(i).bytes() : 0;
      } catch (IOException e) {
        // On Windows an open file stays.
      }
    }
    return freed;
  }

  /** Deletes what processes left that were killed while they made a file. */
  private void removeDead() {
    // Opening one of its own would give its lock back.
    String own = PART + ProcessHandle.current().pid() + "-";
    for (Path path : AtomicFolders.entries(folder)) {
      String name = path.getFileName().toString();
      if (name.contains(PART) && !name.contains(own)) {
        try (FileChannel channel = FileChannel.open(path, StandardOpenOption.WRITE)) {
          if (channel.tryLock() != null) {
            Files.deleteIfExists(path);
          }
        } catch (IOException e) {
          // Gone already.
        }
      }
    }
  }
}
