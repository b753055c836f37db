package org.autodidact.checkpoints.files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.util.Map;
import java.util.concurrent.TimeUnit;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;

/**
 * What the file system says of a file without its content being read. Where the system has them the
 * time of change and the inode are in it: no tool sets the first, so that a file that was written
 * in place has another stamp although its size and its date were put back.
 *
 * @param size in bytes
 * @param modified nanoseconds since 1970
 * @param changed nanoseconds since 1970 of the last change of content or attributes; 0 where the
 *     system does not say
 * @param inode 0 where the system has none
 */
public record FileStamp(long size, long modified, long changed, long inode) {

  /** The stamp of the file that a path leads to. */
  public static FileStamp of(Path file) {
    try {
      try {
        Map<String, Object> unix =
            Files.readAttributes(file, "unix:size,lastModifiedTime,ctime,ino");
        return new FileStamp(
            (Long) unix.get("size"),
            nanos((FileTime) unix.get("lastModifiedTime")),
            nanos((FileTime) unix.get("ctime")),
            (Long) unix.get("ino"));
      } catch (UnsupportedOperationException | IllegalArgumentException e) {
        return new FileStamp(Files.size(file), nanos(Files.getLastModifiedTime(file)), 0, 0);
      }
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such file", e);
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
  }

  /** Whether an equal stamp means an equal content. */
  public boolean isSure() {
    return changed != 0;
  }

  private static long nanos(FileTime time) {
    return time.to(TimeUnit.NANOSECONDS);
  }
}
