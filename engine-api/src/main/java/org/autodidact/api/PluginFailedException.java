package org.autodidact.api;

/**
 * A plugin's code failed in a way that its interface does not foresee: a fault in it, not in what
 * it was given. The cause is what it threw.
 */
public class PluginFailedException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  private final String what;

  /**
   * @param who whose code it is, for example {@code the judge 'mine'}
   * @param cause what it threw
   */
  public PluginFailedException(String who, Throwable cause) {
    this(who + " failed: " + cause, cause, "");
  }

  private PluginFailedException(String what, Throwable cause, String where) {
    super(where + what + "; this is a fault of the plugin", cause);
    this.what = what;
  }

  /** The same, with where in a run it happened in front, as {@code M1/judgements}. */
  public PluginFailedException in(String stage) {
    return new PluginFailedException(what, getCause(), stage + ": ");
  }
}
