package org.autodidact.api;

/**
 * What a plugin depends on, as a server or a cluster, cannot be reached or refuses for now. What
 * was finished stays; the same call later goes on.
 */
public class ServiceUnavailableException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public ServiceUnavailableException(String message) {
    super(message);
  }

  public ServiceUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
