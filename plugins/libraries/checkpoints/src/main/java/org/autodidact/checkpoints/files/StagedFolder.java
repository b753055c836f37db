package org.autodidact.checkpoints.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;

/**
 * A folder that is written beside its place and renamed when it is whole. While it is written a
 * file beside it is locked, which the system unlocks when the process dies: so whoever writes the
 * same folder next, or opens the run that it belongs to, can distinguish what a killed process left
 * from what another one is writing, and deletes it.
 */
public final class StagedFolder implements AutoCloseable {
  private static final String PART = ".part-";
  private static final String LOCK = ".lock";

  /** Lock files of this process: closing any channel to a file releases the process's lock. */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path target;
  private final Path path;
  private final Path lockFile;
  private final FileChannel lock;

  private StagedFolder(Path target, Path path, Path lockFile, FileChannel lock) {
    this.target = target;
    this.path = path;
    this.lockFile = lockFile;
    this.lock = lock;
  }

  /** An empty folder beside {@code target}, whose parents are made where they are not there. */
  public static StagedFolder beside(Path target) throws IOException {
    Path whole = target.toAbsolutePath();
    Path parent = Files.createDirectories(whole.getParent());
    removeDead(parent, whole.getFileName() + PART);
    while (true) {
      // Not a temporary folder of the library's making: others could not read it.
      String suffix = Long.toHexString(ProcessHandle.current().pid() ^ System.nanoTime());
      Path path = whole.resolveSibling(whole.getFileName() + PART + suffix);
      Path lockFile = path.resolveSibling(path.getFileName() + LOCK);
      FileChannel lock;
      HELD.add(lockFile);
      try {
        lock = FileChannel.open(lockFile, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE);
      } catch (FileAlreadyExistsException e) {
        HELD.remove(lockFile);
        continue;
      } catch (IOException | RuntimeException e) {
        HELD.remove(lockFile);
        throw e;
      }
      try {
        // Between the two lines another process may have taken it for a dead one's.
        if (lock.tryLock() != null && Files.exists(lockFile)) {
          Files.createDirectory(path);
          return new StagedFolder(whole, path, lockFile, lock);
        }
      } catch (IOException | RuntimeException e) {
        lock.close();
        HELD.remove(lockFile);
        Files.deleteIfExists(lockFile);
        throw e;
      }
      lock.close();
      HELD.remove(lockFile);
    }
  }

  /** Where to write. */
  public Path path() {
    return path;
  }

  /** Gives the folder, whose files must be forced to disk, its name. */
  public void finish() throws IOException {
    Files.move(path, target, StandardCopyOption.ATOMIC_MOVE);
    AtomicFolders.force(target.getParent());
  }

  /** Deletes what was not finished. */
  @Override
  public void close() throws IOException {
    try (lock) {
      AtomicFolders.deleteIfThere(path);
      Files.deleteIfExists(lockFile);
    } finally {
      HELD.remove(lockFile);
    }
  }

  /**
   * Deletes what processes that died left half written in a folder, whatever its name was to be.
   */
  public static void removeDead(Path folder) {
    removeDead(folder, "");
  }

  private static void removeDead(Path folder, String beginning) {
    for (Path entry : AtomicFolders.entries(folder)) {
      String name = entry.getFileName().toString();
      if (name.startsWith(beginning) && name.matches(".+\\.part-[0-9a-f]+(\\.lock)?")) {
        Path path =
            name.endsWith(LOCK)
                ? entry.resolveSibling(name.substring(0, name.length() - LOCK.length()))
                : entry;
        removeIfDead(path, path.resolveSibling(path.getFileName() + LOCK));
      }
    }
  }

  private static void removeIfDead(Path path, Path lockFile) {
    if (HELD.contains(lockFile.toAbsolutePath())) {
      return;
    }
    try (FileChannel lock = FileChannel.open(lockFile, StandardOpenOption.WRITE)) {
      if (lock.tryLock() == null) {
        return;
      }
      AtomicFolders.deleteIfThere(path);
      Files.deleteIfExists(lockFile);
    } catch (NoSuchFileException e) {
      // The lock goes after the folder: of a folder without one nobody is the writer.
      if (Files.isDirectory(path)) {
        AtomicFolders.deleteIfThere(path);
      }
    } catch (IOException e) {
      // It cannot be told, or not be deleted: it stays, and is in nobody's way.
    }
  }
}
