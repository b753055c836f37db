package org.autodidact.engine.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.autodidact.api.Answer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Generator;
import org.autodidact.api.ModelsDisagreeException;
import org.autodidact.api.Prompt;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.engine.store.ModelHandover;
import org.autodidact.engine.store.ModelHandover.Comparison;
import org.autodidact.engine.store.ModelHandover.ScoredProbe;
import org.autodidact.engine.store.RunStore;

/**
 * Checks, before a trained model generates anything, that generator and trainer compute the same
 * model: the same tokens have the same log-probability in both. Weights that were written, read or
 * converted wrongly would train the next iterate on another model's answers and say nothing.
 *
 * <p>The bound is the sum of the rounding errors that each side states. Three things are compared:
 * each probe, all probes together, whose rounding error is a mean over more tokens, and whether the
 * generator is nearer to the model before the training than to the one after it, as it is where an
 * old checkpoint was opened. Where the answers were sampled from the training's base, the trainer's
 * log-probabilities before its first step are compared with those at sampling, too.
 */
final class HandoverCheck {
  private static final Pattern ITERATE = Pattern.compile("M(\\d+)");

  private final RunStore store;
  private final Cancellation cancellation;

  HandoverCheck(RunStore store, Cancellation cancellation) {
    this.store = store;
    this.cancellation = cancellation;
  }

  /** Whether the model was trained in this run and is not compared yet. */
  boolean isDue(String model) {
    return ModelHandover.scoredProbes(store, model).isPresent()
        && ModelHandover.comparison(store, model)
            .filter(c -> !c.verdict().equals(Comparison.DISAGREE))
            .isEmpty();
  }

  /**
   * Compares, if it is due, and stores the comparison.
   *
   * @throws ModelsDisagreeException where it is not the same model
   */
  void check(String model, Generator generator) {
    if (!isDue(model)) {
      return;
    }
    List<ScoredProbe> probes =
        ModelHandover.scoredProbes(store, model).orElseThrow().stream()
            .filter(w -> w.tokens() > 0)
            .toList();
    Optional<Scorer> scorer = generator.scorer();
    if (probes.isEmpty()) {
      ModelHandover.put(store, model, Comparison.not("the trainer scored no probe"));
    } else if (scorer.isEmpty() || scorer.get().rounding(1).isEmpty()) {
      ModelHandover.put(store, model, Comparison.not("the generator scores no token ids"));
    } else {
      compare(model, probes, scorer.get());
    }
  }

  /** The log-probability of a probe in the generator (found) and in the trainer (expected). */
  private record Pair(ScoredProbe probe, double found, double expected, double bound) {
    double difference() {
      return (found - expected) / probe.tokens();
    }

    boolean isBeyond() {
      return !(Math.abs(difference()) <= bound);
    }
  }

  private void compare(String model, List<ScoredProbe> probes, Scorer scorer) {
    long start = System.nanoTime();
    double[] found = score(model, probes, scorer);
    List<Pair> after = new ArrayList<>();
    List<Pair> before = new ArrayList<>();
    for (int i = 0; i < found.length; i++) {
      ScoredProbe probe = probes.get(i);
      double bound = probe.rounding() + rounding(scorer, probe.tokens());
      after.add(new Pair(probe, found[i], probe.after(), bound));
      if (probe.sampledLogProbability() != null) {
        before.add(new Pair(probe, probe.sampledLogProbability(), probe.before(), bound));
      }
    }
    Pair worst = worst(after);
    int tokens = probes.stream().mapToInt(ScoredProbe::tokens).sum();
    Optional<String> fault = fault(model, after, before, scorer, tokens);
    ModelHandover.put(
        store,
        model,
        new Comparison(
            fault.isPresent() ? Comparison.DISAGREE : Comparison.AGREE,
            after.size(),
            tokens,
            mean(after, tokens),
            Math.abs(worst.difference()),
            worst.bound(),
            StageRunner.seconds(start)));
    fault.ifPresent(
        text -> {
          throw new ModelsDisagreeException(text);
        });
    Matcher iterate = ITERATE.matcher(model);
    if (iterate.matches()) {
      store
          .iterations()
          .addMetrics(
              Integer.parseInt(iterate.group(1)),
              Map.of(
                  "handover-difference", Math.abs(worst.difference()),
                  "handover-mean", mean(after, tokens)));
    }
  }

  private double[] score(String model, List<ScoredProbe> probes, Scorer scorer) {
    List<ScoringRequest> requests = new ArrayList<>();
    for (int i = 0; i < probes.size(); i++) {
      Prompt prompt = new Prompt(Integer.toString(i), probes.get(i).probe().prompt());
      Answer answer = probes.get(i).probe().answer();
      requests.add(
          answer.tokens().isEmpty()
              ? new ScoringRequest(prompt, "", List.of(answer.text()), answer.ends())
              : ScoringRequest.ofTokens(prompt, List.of(answer.tokens())));
    }
    double[] found = new double[probes.size()];
    int[] tokens = new int[probes.size()];
    scorer.score(requests, scoring -> set(scoring, found, tokens), cancellation);
    for (int i = 0; i < tokens.length; i++) {
      if (tokens[i] != probes.get(i).tokens()) {
        throw new ModelsDisagreeException(
            String.format(
                Locale.ROOT,
                "%s: the trainer cuts %s into %d tokens, the generator into %d: they do not have the"
                    + " same tokenizer; nothing was generated, mend the plugin and resume",
                model,
                probes.get(i).name(),
                probes.get(i).tokens(),
                tokens[i]));
      }
    }
    return found;
  }

  private static void set(Scoring scoring, double[] found, int[] tokens) {
    int index = Integer.parseInt(scoring.promptId());
    found[index] = scoring.logProbabilities().get(0);
    tokens[index] = scoring.tokens().get(0);
  }

  private static double rounding(Scorer scorer, int tokens) {
    return scorer.rounding(tokens).orElseThrow();
  }

  private static Pair worst(List<Pair> pairs) {
    return pairs.stream()
        .reduce(
            (a, b) ->
                Math.abs(b.difference()) / b.bound() > Math.abs(a.difference()) / a.bound() ? b : a)
        .orElseThrow();
  }

  private static double mean(List<Pair> pairs, int tokens) {
    return pairs.stream().mapToDouble(p -> p.found() - p.expected()).sum() / tokens;
  }

  /** The disagreement of generator and trainer, if there is one. */
  private static Optional<String> fault(
      String model, List<Pair> after, List<Pair> before, Scorer scorer, int tokens) {
    if (before.stream().anyMatch(Pair::isBeyond)) {
      return Optional.of(
          text(
              model + "'s base",
              worst(before),
              "the trainer began from other weights than those that wrote it"));
    }
    if (after.stream().anyMatch(Pair::isBeyond)) {
      return Optional.of(text(model, worst(after), "it was written or read wrongly"));
    }
    double trainers =
        after.stream().mapToDouble(p -> p.probe().rounding() * p.probe().tokens()).sum() / tokens;
    double bound = trainers + rounding(scorer, tokens);
    double mean = mean(after, tokens);
    if (!(Math.abs(mean) <= bound)) {
      return Optional.of(
          String.format(
              Locale.ROOT,
              "%s: over %d tokens the generator's ln p lies %.4f a token from the trainer's, at most"
                  + " %.4f is rounding: it was written or read wrongly. %s",
              model,
              tokens,
              mean,
              bound,
              ADVICE));
    }
    return isStale(after, rounding(scorer, 1))
        ? Optional.of(
            text(model, worst(after), "the generator has the weights from before the training"))
        : Optional.empty();
  }

  /**
   * Whether the generator is nearer to the model before the training than to the one after it, by
   * more than rounding makes it seem. With e the rounding of a probe of n tokens, of variance σ²n,
   * and Δ what the training changed, Σ(e²−(e+Δ)²)/n has the standard deviation 2σ√(ΣΔ²/n) about
   * −ΣΔ²/n; a stale model's is about +ΣΔ²/n.
   */
  private static boolean isStale(List<Pair> after, double rounding) {
    double moved = 0;
    double nearer = 0;
    for (Pair p : after) {
      double change = p.probe().after() - p.probe().before();
      double fromAfter = p.found() - p.expected();
      double fromBefore = p.found() - p.probe().before();
      moved += change * change / p.probe().tokens();
      nearer += (fromAfter * fromAfter - fromBefore * fromBefore) / p.probe().tokens();
    }
    return moved > 0 && nearer / (2 * Math.sqrt(moved)) > rounding;
  }

  private static final String ADVICE =
      "Nothing was generated and nothing finished is lost: mend what is at fault and resume";

  private static String text(String model, Pair p, String meaning) {
    return String.format(
        Locale.ROOT,
        "%s: ln p of %s (%d tokens) is %.5f in the trainer, %.5f in the generator: %.5f a token, at"
            + " most %.5f is rounding; %s. %s",
        model,
        p.probe().name(),
        p.probe().tokens(),
        p.expected(),
        p.found(),
        Math.abs(p.difference()),
        p.bound(),
        meaning,
        ADVICE);
  }
}
