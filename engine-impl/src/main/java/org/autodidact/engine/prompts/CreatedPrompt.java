package org.autodidact.engine.prompts;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.Prompt;

/**
 * One attempt at a new prompt, and what became of it.
 *
 * @param id unique in a run; the prompt's id where it was kept
 * @param shots the ids of the prompts that were shown, in order
 * @param seed the seed that the text was sampled with
 * @param text what the model wrote
 * @param outcome {@link SelfInstruct#KEPT}, or the name of the filter that rejected it
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public record CreatedPrompt(String id, List<String> shots, long seed, String text, String outcome) {
  public CreatedPrompt {
    Objects.requireNonNull(id, "id");
    Objects.requireNonNull(text, "text");
    Objects.requireNonNull(outcome, "outcome");
    shots = List.copyOf(shots);
  }

  public boolean kept() {
    return outcome.equals(SelfInstruct.KEPT);
  }

  /** The prompt for a model. */
  public Prompt prompt() {
    return Prompt.of(id, text);
  }
}
