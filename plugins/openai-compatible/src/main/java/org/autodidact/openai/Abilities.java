package org.autodidact.openai;

import java.util.List;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.SamplingParameters;
import org.autodidact.openai.http.Concurrently;

/** What a server's token routes can do, found out by asking for a token or two. */
record Abilities(TokenRoute route) {
  /** A token that every vocabulary has. */
  private static final List<Integer> PROMPT = List.of(1, 1);

  /**
   * Samples as the run is going to.
   *
   * @throws InvalidInputException where the server does not answer with token ids
   */
  void requireTokens(ServerOptions options, Cancellation cancellation) {
    run(isEnding -> sampled(options.oneRequestAPrompt() ? 2 : 1, isEnding), cancellation);
  }

  private boolean sampled(int count, BooleanSupplier isEnding) {
    List<Long> seeds = count == 1 ? List.of(1L) : List.of(1L, 2L);
    return !route
        .sample(
            new TokenRoute.Sampled(PROMPT, seeds, SamplingParameters.candidates(1), Set.of()),
            isEnding)
        .isEmpty();
  }

  private static void run(Concurrently.Call<Boolean> call, Cancellation cancellation) {
    Concurrently.<Boolean>run(1, List.of(call), done -> {}, cancellation);
  }

  /** A line for people. */
  String shown() {
    return "found: token ids "
        + found(isEnding -> sampled(1, isEnding))
        + ", log-probabilities of given tokens "
        + found(isEnding -> !route.score(PROMPT, List.of(List.of(1)), isEnding).isEmpty())
        + ", several candidates a request "
        + found(isEnding -> sampled(2, isEnding));
  }

  private static String found(Concurrently.Call<Boolean> call) {
    try {
      run(call, new Cancellation());
      return "yes";
    } catch (AutodidactException e) {
      return "no (" + e.getMessage() + ")";
    }
  }
}
