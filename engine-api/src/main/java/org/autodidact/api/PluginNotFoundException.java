package org.autodidact.api;

/** A name that no plugin answers to. */
public class PluginNotFoundException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  public PluginNotFoundException(String message) {
    super(message);
  }

  public PluginNotFoundException(String message, Throwable cause) {
    super(message, cause);
  }
}
