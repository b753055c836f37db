package org.autodidact.api;

import java.io.IOException;
import java.io.InterruptedIOException;
import java.nio.channels.ClosedByInterruptException;
import java.nio.channels.FileLockInterruptionException;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Reading or writing failed: a full disk, a missing permission, a damaged file.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public class StorageException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public StorageException(String message) {
    super(message);
  }

  public StorageException(String message, Throwable cause) {
    super(message, cause);
  }

  /**
   * The failure that an {@link IOException} means. An interrupt of the thread closes the file in
   * hand: then nothing is wrong with the disk, and it is a {@link CancelledException}.
   *
   * @param message what could not be read or written, why, and what to do
   */
  public static AutodidactException of(String message, IOException cause) {
    return cause instanceof ClosedByInterruptException
            || cause instanceof FileLockInterruptionException
            || cause instanceof InterruptedIOException
        ? new CancelledException("the thread was interrupted", cause)
        : new StorageException(message, cause);
  }
}
