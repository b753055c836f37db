package org.autodidact.conformance;

import java.util.Collections;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;

/** A model that answers every prompt by a score, and counts what it is asked. */
final class StandInGenerator implements Generator, Scorer {
  private final StringBuilder shown = new StringBuilder();
  private int asked;

  int asked() {
    return asked;
  }

  /** Whether a prompt had this text in it. */
  boolean wasShown(String text) {
    return shown.indexOf(text) >= 0;
  }

  private void ask(Prompt prompt) {
    asked++;
    shown.append(Message.transcript(prompt.messages())).append('\n');
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    for (GenerationRequest request : requests) {
      cancellation.throwIfCancelled();
      ask(request.prompt());
      results.accept(
          new Generation(
              request.prompt().id(),
              List.of(),
              request.seeds().stream()
                  .map(s -> new Candidate(s, "Fair. Score: 3", FinishReason.END_OF_TEXT))
                  .toList()));
    }
  }

  @Override
  public void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
    for (ScoringRequest request : requests) {
      cancellation.throwIfCancelled();
      ask(request.prompt());
      results.accept(
          new Scoring(
              request.prompt().id(),
              Collections.nCopies(request.count(), -1.0),
              Collections.nCopies(request.count(), 1)));
    }
  }

  @Override
  public Optional<Scorer> scorer() {
    return Optional.of(this);
  }

  @Override
  public void close() {}
}
