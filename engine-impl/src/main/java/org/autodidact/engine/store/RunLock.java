package org.autodidact.engine.store;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;

/** Keeps a second process off a run. The operating system gives it back when the process dies. */
final class RunLock implements AutoCloseable {
  private final FileChannel channel;

  private RunLock(FileChannel channel) {
    this.channel = channel;
  }

  static RunLock take(Path folder) {
    Path file = folder.resolve("run.lock");
    try {
      Files.createDirectories(folder);
      FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      if (lock(channel) == null) {
        channel.close();
        throw new InvalidInputException(
            folder + ": another process works on this run; wait for it to end, or stop it");
      }
      return new RunLock(channel);
    } catch (IOException e) {
      throw new StorageException(
          folder + ": the run's folder cannot be written: " + e + "; choose another --output", e);
    }
  }

  private static FileLock lock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  @Override
  public void close() {
    try {
      channel.close();
    } catch (IOException e) {
      throw new StorageException("the run's lock cannot be given back: " + e, e);
    }
  }
}
