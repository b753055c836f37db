package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * A plugin or the host did what an interface's numbered rules forbid: the fault is in its code.
 * Finished work stays, and the run goes on once the code is fixed.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public class RuleBrokenException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  /**
   * @param who whose code it is, for example {@code the judge 'mine'}
   * @param rule the rule, for example {@code J1}
   * @param found what it did
   */
  public RuleBrokenException(String who, String rule, String found) {
    super(who + " broke rule " + rule + " of its interface: " + found);
  }
}
