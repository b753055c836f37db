package org.autodidact.cli.options;

import java.io.IOException;
import java.net.URISyntaxException;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.security.MessageDigest;
import java.time.Instant;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.StorageException;
import org.autodidact.checkpoints.files.AtomicFolders;
import org.autodidact.checkpoints.files.CacheFolder;
import org.autodidact.checkpoints.files.CacheLimit;
import org.autodidact.checkpoints.files.KnownHashes;
import org.autodidact.checkpoints.files.Sha256;
import org.autodidact.checkpoints.files.StagedFolder;
import org.autodidact.checkpoints.gguf.Gguf;
import org.autodidact.engine.store.ModelLocator;

/**
 * Imported GGUF files, each under the SHA-256 of its content and of the code that imports: neither
 * another file of the same name, size and date nor an import of another version is taken for it. A
 * file is hashed once ({@link KnownHashes}).
 *
 * <p>What was used longest ago goes where the cache is larger than its limit. A process keeps a
 * shared lock on what it uses, and only what nobody uses is deleted. Locks of entries are taken,
 * and their files deleted, under the cache's own lock, so that no one holds a file that is gone.
 */
@SuppressWarnings("try") // the cache's lock is held, not used
public final class ImportCache {
  private static final Pattern PART_OF_SPLIT = Pattern.compile("(.*-)\\d{5}(-of-(\\d{5})\\.gguf)");
  private static final String LOCK = ".lock";
  private static final String SEEN = "seen";

  /** The entries that this process uses, released when it ends. */
  private static final Map<Path, FileChannel> USED = new HashMap<>();

  private final Path folder;
  private final long limit;

  /**
   * @param limit bytes that the imports may take together, but for those that are in use
   */
  ImportCache(Path folder, long limit) {
    this.folder = folder;
    this.limit = limit;
  }

  public static ImportCache ofUser() {
    return new ImportCache(CacheFolder.of(CacheFolder.IMPORTED), CacheLimit.bytes());
  }

  /**
   * An import.
   *
   * @param bytes of all its files
   * @param inUse by a process, perhaps this one
   */
  public record Entry(Path folder, long bytes, Instant used, boolean inUse) {}

  /** The folder that a GGUF file is imported into, which is done once. */
  Path folder(Path gguf) {
    synchronized (USED) {
      try {
        Files.createDirectories(folder);
        Path entry = folder.resolve(key(gguf));
        if (!USED.containsKey(entry)) {
          USED.put(entry, imported(gguf, entry));
        }
        Files.setLastModifiedTime(lockOf(entry), FileTime.from(Instant.now()));
        shrinkTo(limit);
        return entry;
      } catch (IOException e) {
        throw failure(e);
      }
    }
  }

  /** Imports where it is not done; gives the channel with the shared lock. */
  private FileChannel imported(Path gguf, Path entry) throws IOException {
    while (true) {
      FileChannel channel = null;
      boolean kept = false;
      try {
        boolean mine;
        try (FileChannel all = lockAll()) {
          StagedFolder.removeDead(folder);
          channel =
              FileChannel.open(
                  lockOf(entry),
                  StandardOpenOption.CREATE,
                  StandardOpenOption.READ,
                  StandardOpenOption.WRITE);
          if (Files.isDirectory(entry) && channel.tryLock(0, Long.MAX_VALUE, true) != null) {
            kept = true;
            return channel;
          }
          mine = !Files.isDirectory(entry) && channel.tryLock() != null;
        }
        if (mine) {
          ModelLocator.folder(gguf, entry);
        } else {
          Thread.sleep(100); // another process imports it
        }
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw StorageException.of(
            gguf + ": not imported", new java.io.InterruptedIOException(e.getMessage()));
      } finally {
        if (!kept && channel != null) {
          channel.close();
        }
      }
    }
  }

  private FileChannel lockAll() throws IOException {
    FileChannel channel =
        FileChannel.open(folder.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    channel.lock(); // until the channel is closed
    return channel;
  }

  private static Path lockOf(Path entry) {
    return entry.resolveSibling(entry.getFileName() + LOCK);
  }

  /** All entries, the most recently used one first. */
  public List<Entry> entries() {
    List<Entry> found = new ArrayList<>();
    synchronized (USED) {
      if (!Files.isDirectory(folder)) {
        return found;
      }
      try (FileChannel all = lockAll()) {
        for (Path path : AtomicFolders.entries(folder)) {
          if (Files.isDirectory(path) && !path.endsWith(SEEN)) {
            found.add(new Entry(path, bytes(path), used(path), isUsed(path)));
          }
        }
      } catch (IOException e) {
        throw failure(e);
      }
    }
    found.sort(Comparator.comparing(Entry::used).reversed());
    return found;
  }

  /**
   * Deletes what was used longest ago until the rest is no larger; what is in use stays.
   *
   * @return the bytes that were freed
   */
  public long shrinkTo(long bytes) {
    List<Entry> all = new ArrayList<>(entries());
    long total = all.stream().mapToLong(Entry::bytes).sum();
    long freed = 0;
    for (int i = all.size() - 1; i >= 0 && total - freed > bytes; i--) {
      freed += delete(all.get(i)) ? all.get(i).bytes() : 0;
    }
    return freed;
  }

  private boolean delete(Entry entry) {
    synchronized (USED) {
      try (FileChannel all = lockAll()) {
        if (isUsed(entry.folder())) {
          return false;
        }
        // Renamed first: what is left of a deletion that is cut off is no model.
        Path gone = entry.folder().resolveSibling(entry.folder().getFileName() + ".part-0");
        AtomicFolders.deleteIfThere(gone);
        Files.move(entry.folder(), gone, StandardCopyOption.ATOMIC_MOVE);
        AtomicFolders.deleteIfThere(gone);
        Files.deleteIfExists(lockOf(entry.folder()));
        return true;
      } catch (IOException e) {
        throw failure(e);
      }
    }
  }

  /** Asked under the cache's own lock. */
  private static boolean isUsed(Path entry) throws IOException {
    if (USED.containsKey(entry)) {
      return true; // closing another channel to its lock would give the lock back
    }
    if (!Files.exists(lockOf(entry))) {
      return false;
    }
    try (FileChannel channel = FileChannel.open(lockOf(entry), StandardOpenOption.WRITE)) {
      return channel.tryLock() == null;
    }
  }

  private static Instant used(Path entry) throws IOException {
    Path lock = lockOf(entry);
    return Files.getLastModifiedTime(Files.exists(lock) ? lock : entry).toInstant();
  }

  public static long bytes(Path folder) throws IOException {
    try (Stream<Path> files = Files.walk(folder)) {
      return files.filter(Files::isRegularFile).mapToLong(file -> file.toFile().length()).sum();
    }
  }

  /** The name of a file's import. */
  private String key(Path gguf) {
    MessageDigest digest = Sha256.digest();
    for (Path part : parts(gguf)) {
      digest.update(hash(part).getBytes(StandardCharsets.US_ASCII));
    }
    digest.update(codeHash().getBytes(StandardCharsets.US_ASCII));
    return Sha256.text(digest);
  }

  /** The file, or all of those that it is split into. */
  private static List<Path> parts(Path gguf) {
    Matcher split = PART_OF_SPLIT.matcher(gguf.getFileName().toString());
    if (!split.matches()) {
      return List.of(gguf);
    }
    return IntStream.rangeClosed(1, Integer.parseInt(split.group(3)))
        .mapToObj(i -> split.group(1) + String.format(java.util.Locale.ROOT, "%05d", i))
        .map(name -> gguf.resolveSibling(name + split.group(2)))
        .filter(Files::isRegularFile)
        .toList();
  }

  private String hash(Path file) {
    return seen().of(file, new Cancellation());
  }

  private KnownHashes seen() {
    return new KnownHashes(folder.resolve(SEEN));
  }

  /** Forgets which files were seen. */
  public void forget() {
    seen().forget();
  }

  private StorageException failure(IOException e) {
    return new StorageException(
        folder
            + ": imported models cannot be kept there: "
            + e
            + "; let XDG_CACHE_HOME name a folder that can be written",
        e);
  }

  /** A hash of the code that imports: of its jar, or of a folder's classes. */
  private String codeHash() {
    try {
      Path place = Path.of(Gguf.class.getProtectionDomain().getCodeSource().getLocation().toURI());
      if (Files.isRegularFile(place)) {
        return hash(place);
      }
      MessageDigest digest = Sha256.digest();
      try (Stream<Path> files = Files.walk(place)) {
        files
            .filter(Files::isRegularFile)
            .sorted()
            .forEach(file -> Sha256.update(digest, file, () -> {}));
      }
      return Sha256.text(digest);
    } catch (URISyntaxException | IOException e) {
      throw new StorageException("the program's own code cannot be read: " + e, e);
    }
  }
}
