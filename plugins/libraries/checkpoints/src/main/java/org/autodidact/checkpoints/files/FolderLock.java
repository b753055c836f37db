package org.autodidact.checkpoints.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;

/**
 * Keeps a second process, and a second user in this one, off a folder. The operating system gives
 * it back when the process dies.
 */
public final class FolderLock implements AutoCloseable {
  /**
   * The folders that this process holds. The system gives a process's lock back when any channel to
   * the file is closed, so that a second one may not even be opened.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path held;
  private final FileChannel channel;

  private FolderLock(Path held, FileChannel channel) {
    this.held = held;
    this.channel = channel;
  }

  /**
   * Takes the lock, by a file of the folder, which is made where it is not there.
   *
   * @param work what is done there, for messages: "run" or "training"
   * @throws InvalidInputException where somebody has it
   */
  public static FolderLock take(Path folder, String file, String work) {
    try {
      Files.createDirectories(folder);
      Path real = folder.toRealPath();
      if (!HELD.add(real)) {
        throw new InvalidInputException(
            folder
                + ": this process works on this "
                + work
                + " already; wait for it to end, or cancel it");
      }
      try {
        return new FolderLock(real, lock(folder, file, work));
      } catch (IOException | RuntimeException | Error e) {
        HELD.remove(real);
        throw e;
      }
    } catch (IOException e) {
      throw new StorageException(
          folder + ": cannot be written: " + e + "; choose another folder", e);
    }
  }

  private static FileChannel lock(Path folder, String file, String work) throws IOException {
    FileChannel channel =
        FileChannel.open(folder.resolve(file), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean locked = false;
    try {
      locked = channel.tryLock() != null;
    } finally {
      if (!locked) {
        channel.close();
      }
    }
    if (!locked) {
      throw new InvalidInputException(
          folder + ": another process works on this " + work + "; wait for it to end, or stop it");
    }
    return channel;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new StorageException(held + ": its lock cannot be given back: " + e, e);
    } finally {
      HELD.remove(held);
    }
  }
}
