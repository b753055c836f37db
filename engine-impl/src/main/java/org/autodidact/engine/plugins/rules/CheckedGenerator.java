package org.autodidact.engine.plugins.rules;

import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.atomic.AtomicBoolean;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.RuleBrokenException;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.api.Usage;

/** A plugin's generator, held to the rules that can be seen from outside. */
public final class CheckedGenerator implements Generator {
  private final String who;
  private final Set<GeneratorCapability> capabilities;
  private final Generator generator;
  private final AtomicBoolean busy = new AtomicBoolean();

  private CheckedGenerator(String who, Set<GeneratorCapability> capabilities, Generator generator) {
    this.who = who;
    this.capabilities = capabilities;
    this.generator = generator;
  }

  /** The provider, whose generators are checked. */
  public static GeneratorProvider provider(GeneratorProvider provider) {
    String who = "the generator '" + provider.name() + "'";
    return new GeneratorProvider() {
      @Override
      public String name() {
        return provider.name();
      }

      @Override
      public Class<? extends Record> optionsType() {
        return provider.optionsType();
      }

      @Override
      public Set<GeneratorCapability> capabilities() {
        return provider.capabilities();
      }

      @Override
      public void check(GeneratorContext context) {
        PluginCalls.call(
            who,
            () -> {
              provider.check(context);
              return null;
            });
      }

      @Override
      public Generator open(GeneratorContext context) {
        return new CheckedGenerator(
            who,
            provider.capabilities(),
            PluginCalls.open(who, "G1", () -> provider.open(context)));
      }
    };
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    ResultContract<GenerationRequest, Generation> contract =
        new ResultContract<>(
            who,
            "G1",
            requests,
            request -> request.prompt().id(),
            Generation::promptId,
            this::check,
            results);
    alone(
        () -> contract.during(() -> generator.generate(requests, contract::accept, cancellation)));
  }

  private void check(GenerationRequest request, Generation generation) {
    String id = generation.promptId();
    List<Candidate> candidates = generation.candidates();
    if (candidates.size() != request.seeds().size()) {
      throw new RuleBrokenException(
          who,
          "G2",
          "for '"
              + id
              + "' and "
              + request.seeds().size()
              + " seeds it returned "
              + candidates.size()
              + " candidates");
    }
    int most = request.sampling().maxTokens();
    for (int i = 0; i < candidates.size(); i++) {
      Candidate candidate = candidates.get(i);
      if (candidate.seed() != request.seeds().get(i)) {
        throw new RuleBrokenException(
            who, "G2", "candidate " + i + " of '" + id + "' is not of its seed");
      }
      int tokens = candidate.tokenCount().orElse(0);
      if (tokens > most) {
        throw new RuleBrokenException(
            who, "G4", "a candidate of '" + id + "' has " + tokens + " tokens of " + most);
      }
      if (!Double.isFinite(candidate.logProbability().orElse(0))) {
        throw new RuleBrokenException(
            who, "G8", "a log-probability of '" + id + "' is " + candidate.logProbability());
      }
      requireClaimed(
          GeneratorCapability.LOG_PROBABILITIES, candidate.logProbability().isPresent(), id);
      requireClaimed(
          GeneratorCapability.TOKEN_IDS,
          !candidate.tokens().isEmpty() || candidate.tokenCount().orElse(-1) == 0,
          id);
    }
  }

  /** What a provider says that it can do is what a run relies on. */
  private void requireClaimed(GeneratorCapability capability, boolean there, String id) {
    if (capabilities.contains(capability) && !there) {
      throw new RuleBrokenException(
          who, "G11", "it says that it has " + capability + ", and '" + id + "' has none");
    }
  }

  /** Two calls at once would overwrite each other's state. */
  private void alone(Runnable call) {
    if (!busy.compareAndSet(false, true)) {
      throw new IllegalStateException(
          who
              + " is at work: an instance is used by one thread at a time, and not from within what"
              + " takes its results");
    }
    try {
      call.run();
    } finally {
      busy.set(false);
    }
  }

  @Override
  public Optional<Scorer> scorer() {
    return generator.scorer().map(scorer -> (Scorer) new CheckedScorer(scorer));
  }

  @Override
  public Usage usage() {
    return generator.usage();
  }

  @Override
  public void close() {
    generator.close();
  }

  private final class CheckedScorer implements Scorer {
    private final Scorer scorer;

    CheckedScorer(Scorer scorer) {
      this.scorer = scorer;
    }

    @Override
    public void score(
        List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
      ResultContract<ScoringRequest, Scoring> contract =
          new ResultContract<>(
              who,
              "W1",
              requests,
              request -> request.prompt().id(),
              Scoring::promptId,
              this::check,
              results);
      alone(() -> contract.during(() -> scorer.score(requests, contract::accept, cancellation)));
    }

    @Override
    public OptionalDouble rounding(int tokens) {
      return scorer.rounding(tokens);
    }

    private void check(ScoringRequest request, Scoring scoring) {
      int count = request.count();
      if (scoring.logProbabilities().size() != count || scoring.tokens().size() != count) {
        throw new RuleBrokenException(
            who, "W2", "for '" + scoring.promptId() + "' it did not score " + count + " texts");
      }
      if (scoring.logProbabilities().stream().anyMatch(p -> p.isNaN())) {
        throw new RuleBrokenException(
            who, "W2", "a log-probability of '" + scoring.promptId() + "' is not a number");
      }
    }
  }
}
