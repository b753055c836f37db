package org.autodidact.openai;

import java.util.List;
import java.util.function.BooleanSupplier;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;

/** A way to ask a server for candidates. Thread-safe. */
interface CandidateSource {
  /**
   * Asks by one request.
   *
   * @param seeds a seed for each candidate, at least one
   * @param isEnding once true, what fails is not sent again
   * @return an answer for each seed, in their order
   */
  List<Answer> ask(
      Prompt prompt, List<Long> seeds, SamplingParameters sampling, BooleanSupplier isEnding);
}
