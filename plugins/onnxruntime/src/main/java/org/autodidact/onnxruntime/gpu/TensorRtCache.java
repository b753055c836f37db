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
 * Folders of engines that TensorRT has built, which takes minutes. A folder is used again where it
 * is whole and of the same maker, which a file says that is written last; else it is built anew,
 * and that is said. Safe among processes: one that finds another building waits for it.
 */
public final class TensorRtCache {
  private static final System.Logger LOGGER = System.getLogger(TensorRtCache.class.getName());
  private static final String MADE_BY = "made-by.txt";

  /** Folders that are kept; each is as large as its checkpoint. */
  private static final int KEPT = 4;

  private final Path folder;
  private final String maker;

  /**
   * @param maker whose engines can be used, a line: another version's cannot
   */
  public TensorRtCache(Path folder, String maker) {
    this.folder = folder;
    this.maker = maker;
  }

  /** Loads the engines of a folder, or builds them into it where it is empty. */
  interface Opener<T> {
    T open(Path engines) throws Exception;
  }

  /**
   * Opens over the engines of {@code key}.
   *
   * @throws Exception what the opener throws over an empty folder
   */
  <T> T open(String key, Opener<T> opener) throws Exception {
    // A lock of the file system is the process's; threads are kept apart here.
    synchronized (TensorRtCache.class) {
      try {
        Files.createDirectories(folder);
      } catch (IOException e) {
        throw unwritable(e);
      }
      try (FileChannel channel =
          FileChannel.open(
              folder.resolve(key + ".lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE)) {
        channel.lock(); // until the channel is closed
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
    Files.writeString(half, maker);
    Files.move(half, engines.resolve(MADE_BY), StandardCopyOption.ATOMIC_MOVE);
    return opened;
  }

  /** Why a folder cannot be used; empty where it can be tried. */
  private String unusable(Path engines) throws IOException {
    Path madeBy = engines.resolve(MADE_BY);
    if (!Files.exists(madeBy)) {
      return "were written half";
    }
    String found = new String(Files.readAllBytes(madeBy), StandardCharsets.UTF_8);
    return found.equals(maker) ? "" : "were made by '" + found + "', this is '" + maker + "'";
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
    for (Path old : others.subList(Math.min(KEPT - 1, others.size()), others.size())) {
      // The marker goes first, so that what is left of a removal is half.
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
