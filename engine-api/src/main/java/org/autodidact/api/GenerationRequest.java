package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * A prompt, and how many candidates to sample for it.
 *
 * @param prompt what is asked; its id names the request and must be unique within a call
 * @param seeds one seed a candidate, at least one; a candidate depends on its own seed only
 * @param sampling how tokens are sampled
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record GenerationRequest(Prompt prompt, List<Long> seeds, SamplingParameters sampling) {
  public GenerationRequest {
    Objects.requireNonNull(prompt, "prompt");
    Objects.requireNonNull(sampling, "sampling");
    seeds = List.copyOf(seeds);
    if (seeds.isEmpty()) {
      throw new InvalidInputException(
          "prompt '" + prompt.id() + "' asks for no candidate; give at least one seed");
    }
  }
}
