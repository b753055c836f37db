package org.autodidact.api;

/** Reading or writing failed: a full disk, a missing permission, a damaged file. */
public class StorageException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public StorageException(String message) {
    super(message);
  }

  public StorageException(String message, Throwable cause) {
    super(message, cause);
  }
}
