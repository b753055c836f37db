package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * A name that no plugin answers to.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public class PluginNotFoundException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public PluginNotFoundException(String message) {
    super(message);
  }

  public PluginNotFoundException(String message, Throwable cause) {
    super(message, cause);
  }
}
