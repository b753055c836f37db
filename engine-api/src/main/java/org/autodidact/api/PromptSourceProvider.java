package org.autodidact.api;

import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Opens prompt sources; found by name through a {@link Plugin}. Stateless and thread-safe.
 *
 * @since 0.2
 */
@API(status = Status.EXPERIMENTAL, since = "0.2")
public interface PromptSourceProvider extends PartProvider {
  /**
   * Opens a source of prompts.
   *
   * @throws InvalidInputException where an option cannot be used
   */
  PromptSource open(PromptSourceContext context);

  /**
   * The context that a prompt source is opened with.
   *
   * @param seed the run's seed
   * @param options the options that the configuration gives the source
   */
  record PromptSourceContext(long seed, PartOptions options) {
    public PromptSourceContext {
      Objects.requireNonNull(options, "options");
    }
  }
}
