package org.autodidact.onnxruntime.gpu;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.autodidact.api.StorageException;

/**
 * Cache of TensorRT engines, a folder a key; building one takes minutes. A folder is reused where
 * it is complete and of the same version, as a file says that is written last; else it is built
 * again, with a warning. Processes lock a key while they build. Unmeasured: no machine with
 * TensorRT was at hand.
 */
public final class TensorRtCache {
  private static final System.Logger LOGGER = System.getLogger(TensorRtCache.class.getName());
  private static final String MADE_BY = "made-by.txt";

  /** Folders that are kept (not measured); each is as large as its checkpoint. */
  private static final int KEPT = 4;

  private final Path folder;
  private final String version;
  private final int kept;

  /**
   * @param version of the software that builds engines, a line; another version's cannot be loaded
   */
  public TensorRtCache(Path folder, String version) {
    this(folder, version, KEPT);
  }

  /**
   * @param kept folders that are kept, those used last
   */
  public TensorRtCache(Path folder, String version, int kept) {
    this.folder = folder;
    this.version = version;
    this.kept = kept;
  }

  /** Loads the engines of a folder, or builds them into an empty one. */
  public interface Opener<T> {
    T open(Path engines) throws Exception;
  }

  /**
   * Opens with the engines of {@code key}.
   *
   * @throws Exception what the opener throws over an empty folder
   */
  public <T> T open(String key, Opener<T> opener) throws Exception {
    // A file lock holds for the process; this monitor excludes its other threads.
    synchronized (TensorRtCache.class) {
      try {
        Files.createDirectories(folder);
      } catch (IOException e) {
        throw unwritable(e);
      }
      try (FileChannel channel =
          FileChannel.open(
              folder.resolve(key + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.lock(); // released with the channel
        T opened = openLocked(folder.resolve(key), opener);
        removeOldest(key);
        return opened;
      } catch (IOException e) {
        throw unwritable(e);
      }
    }
  }

  private <T> T openLocked(Path engines, Opener<T> opener) throws Exception {
    if (Files.exists(engines)) {
      String why = unusable(engines);
      if (why.isEmpty()) {
        try {
          T opened = opener.open(engines);
          Files.setLastModifiedTime(engines.resolve(MADE_BY), FileTime.from(Instant.now()));
          return opened;
        } catch (IOException e) {
          throw e;
        } catch (Exception e) {
          why = "could not be loaded: " + e.getMessage();
        }
      }
      LOGGER.log(
          System.Logger.Level.WARNING,
          "the TensorRT engines in " + engines + " " + why + "; they are built anew");
      delete(engines);
    }
    Files.createDirectories(engines);
    T opened = opener.open(engines);
    Path half = engines.resolve(MADE_BY + ".half");
    Files.writeString(half, version);
    Files.move(half, engines.resolve(MADE_BY), StandardCopyOption.ATOMIC_MOVE);
    return opened;
  }

  /** Why a folder cannot be reused; empty where it can be tried. */
  private String unusable(Path engines) throws IOException {
    Path madeBy = engines.resolve(MADE_BY);
    if (!Files.exists(madeBy)) {
      return "were written half";
    }
    String found = new String(Files.readAllBytes(madeBy), StandardCharsets.UTF_8);
    return found.equals(version) ? "" : "were made by '" + found + "', this is '" + version + "'";
  }

  private void removeOldest(String key) throws IOException {
    List<Path> others;
    try (Stream<Path> all = Files.list(folder)) {
      others =
          all.filter(p -> Files.exists(p.resolve(MADE_BY)))
              .filter(p -> !p.equals(folder.resolve(key)))
              .sorted(Comparator.comparing(TensorRtCache::lastUsed).reversed())
              .toList();
    }
    for (Path old : others.subList(Math.min(kept - 1, others.size()), others.size())) {
      // The marker first, so that an interrupted removal leaves an incomplete folder.
      Files.delete(old.resolve(MADE_BY));
      delete(old);
    }
  }

  private static long lastUsed(Path engines) {
    return engines.resolve(MADE_BY).toFile().lastModified();
  }

  private static void delete(Path engines) throws IOException {
    try (Stream<Path> files = Files.walk(engines)) {
      for (Path file : files.sorted(Comparator.reverseOrder()).toList()) {
        Files.delete(file);
      }
    }
  }

  private StorageException unwritable(IOException e) {
    return new StorageException(
        folder
            + ": TensorRT's engines cannot be kept there: "
            + e
            + "; let XDG_CACHE_HOME name a folder that can be written",
        e);
  }
}
