package org.autodidact.api;

import java.util.List;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The source of an iteration's new prompts (paper, section 2.2).
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public interface PromptSource {

  /**
   * The prompts of one iteration.
   *
   * <ul>
   *   <li>P1: there are exactly {@code count}, with distinct ids.
   *   <li>P2: equal arguments give equal results, whatever was asked before.
   * </ul>
   *
   * @param iteration from 1
   * @param count how many are wanted
   * @return new prompts
   * @throws InvalidInputException where there are not that many
   */
  List<Prompt> prompts(int iteration, int count);
}
