package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The candidates of one {@link GenerationRequest}.
 *
 * @param promptId the request's prompt id
 * @param promptTokens the prompt's token ids after the chat template
 * @param candidates one a seed, in the order of the request's seeds
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record Generation(String promptId, List<Integer> promptTokens, List<Candidate> candidates) {
  public Generation {
    Objects.requireNonNull(promptId, "promptId");
    promptTokens = List.copyOf(promptTokens);
    candidates = List.copyOf(candidates);
  }
}
