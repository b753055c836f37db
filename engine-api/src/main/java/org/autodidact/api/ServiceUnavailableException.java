package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * What a plugin depends on, as a server or a cluster, cannot be reached or refuses for now. What
 * was finished stays; the same call later goes on.
 *
 * @since 0.2
 */
@API(status = Status.EXPERIMENTAL, since = "0.2")
public class ServiceUnavailableException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public ServiceUnavailableException(String message) {
    super(message);
  }

  public ServiceUnavailableException(String message, Throwable cause) {
    super(message, cause);
  }
}
