package org.autodidact.conformance;

import java.util.List;
import java.util.Random;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;

/**
 * Stands for a chat server: texts alone, other ones each time, no token ids, no log-probabilities,
 * no scorer.
 */
final class HonestGenerator implements Generator {
  private final Random random = new Random(1);

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    for (GenerationRequest request : requests) {
      cancellation.throwIfCancelled();
      results.accept(
          new Generation(
              request.prompt().id(),
              List.of(),
              request.seeds().stream().map(seed -> candidate(request, seed)).toList()));
    }
    cancellation.throwIfCancelled();
  }

  private Candidate candidate(GenerationRequest request, long seed) {
    boolean greedy = request.sampling().temperature() == 0 || request.sampling().topP() < 0.01;
    String text =
        "Well, "
            + Integer.toHexString(
                greedy ? request.prompt().messages().hashCode() : random.nextInt());
    for (String stop : request.sampling().stop()) {
      if (text.contains(stop)) {
        return new Candidate(seed, text.substring(0, text.indexOf(stop)), FinishReason.STOP_TEXT);
      }
    }
    return new Candidate(seed, text, FinishReason.END_OF_TEXT);
  }

  @Override
  public void close() {}
}
