package org.autodidact.openai;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.api.ShownText;
import org.autodidact.openai.http.Concurrently;

/**
 * Scores texts by a server that says ln p of given tokens, some requests at a time.
 *
 * <p>A trainer's numbers are compared with it where the server was handed the trained checkpoint;
 * how it rounds is what the option {@code rounding} says.
 */
final class TokenScorer implements Scorer {
  private final TokenRoute route;
  private final Tokens tokens;
  private final int concurrency;
  private final OptionalDouble rounding;
  private final ServedWeights weights;

  TokenScorer(
      TokenRoute route,
      Tokens tokens,
      int concurrency,
      OptionalDouble rounding,
      ServedWeights weights) {
    this.route = route;
    this.tokens = tokens;
    this.concurrency = concurrency;
    this.rounding = rounding;
    this.weights = weights;
  }

  @Override
  public void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
    weights.requireServed();
    List<Concurrently.Call<Scoring>> calls = new ArrayList<>();
    for (ScoringRequest request : requests) {
      calls.add(isEnding -> scoring(request, isEnding));
    }
    Concurrently.run(concurrency, calls, results, cancellation);
  }

  @Override
  public OptionalDouble rounding(int tokens) {
    return rounding;
  }

  private Scoring scoring(ScoringRequest request, BooleanSupplier isEnding) {
    Prompt prompt = request.prompt();
    try {
      List<Integer> before = new ArrayList<>(tokens.prompt(prompt.messages(), isEnding));
      before.addAll(tokens.text(request.prefix(), isEnding));
      List<Integer> end = request.endOfText() ? tokens.endOfTurn(prompt, isEnding) : List.of();
      List<List<Integer>> scored = new ArrayList<>();
      for (String continuation : request.continuations()) {
        List<Integer> ids = new ArrayList<>(tokens.text(continuation, isEnding));
        ids.addAll(end);
        scored.add(ids);
      }
      scored.addAll(request.tokens());
      return new Scoring(
          prompt.id(),
          route.score(before, scored, isEnding),
          scored.stream().map(List::size).toList());
    } catch (InvalidInputException e) {
      throw new InvalidInputException(
          "prompt '" + ShownText.of(prompt.id(), 40) + "': " + e.getMessage(), e);
    }
  }
}
