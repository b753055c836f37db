package org.autodidact.engine.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;

/** Keeps a second process off a run. The operating system gives it back when the process dies. */
final class RunLock implements AutoCloseable {
  /**
   * The folders that this process holds. The system gives a process's lock back when any channel to
   * the file is closed, so that a second one may not even be opened.
   */
  private static final Set<Path> HELD = ConcurrentHashMap.newKeySet();

  private final Path held;
  private final FileChannel channel;

  private RunLock(Path held, FileChannel channel) {
    this.held = held;
    this.channel = channel;
  }

  static RunLock take(Path folder) {
    try {
      Files.createDirectories(folder);
      Path real = folder.toRealPath();
      if (!HELD.add(real)) {
        throw new InvalidInputException(
            folder + ": this process works on this run already; wait for it to end, or cancel it");
      }
      try {
        return new RunLock(real, lock(folder));
      } catch (IOException | RuntimeException e) {
        HELD.remove(real);
        throw e;
      }
    } catch (IOException e) {
      throw new StorageException(
          folder + ": the run's folder cannot be written: " + e + "; choose another --output", e);
    }
  }

  private static FileChannel lock(Path folder) throws IOException {
    FileChannel channel =
        FileChannel.open(
            folder.resolve("run.lock"), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    if (channel.tryLock() == null) {
      channel.close();
      throw new InvalidInputException(
          folder + ": another process works on this run; wait for it to end, or stop it");
    }
    return channel;
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new StorageException("the run's lock cannot be given back: " + e, e);
    } finally {
      HELD.remove(held);
    }
  }
}
