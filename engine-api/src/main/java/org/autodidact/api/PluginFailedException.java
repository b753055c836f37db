package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * A plugin's code failed in a way that its interface does not foresee: a fault in it, not in its
 * input. The cause is what it threw.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public class PluginFailedException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  private final String problem;

  /**
   * @param who whose code it is, for example {@code the judge 'mine'}
   * @param cause what it threw
   */
  public PluginFailedException(String who, Throwable cause) {
    this(who + " failed: " + cause, cause, "");
  }

  private PluginFailedException(String problem, Throwable cause, String where) {
    super(where + problem + "; this is a fault of the plugin", cause);
    this.problem = problem;
  }

  /** This failure with its stage of the run in front, for example {@code M1/judgements}. */
  public PluginFailedException in(String stage) {
    return new PluginFailedException(problem, getCause(), stage + ": ");
  }
}
