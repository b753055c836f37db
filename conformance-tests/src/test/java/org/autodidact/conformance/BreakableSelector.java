package org.autodidact.conformance;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.atomic.AtomicInteger;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;
import org.autodidact.api.SelectionRequest;

/** Highest against lowest; keeps every rule but {@code broken}. */
final class BreakableSelector implements PairSelector {
  private static final AtomicInteger CALLS = new AtomicInteger();
  private final List<JudgedCandidate> seen = new ArrayList<>();
  private final String broken;

  BreakableSelector(String broken) {
    this.broken = broken;
  }

  @Override
  public Optional<PreferencePair> select(SelectionRequest request) {
    Prompt prompt = request.prompt();
    List<JudgedCandidate> all = new ArrayList<>(request.candidates());
    if (broken.equals("S7")) {
      all.addAll(request.past());
    }
    if (broken.equals("S1-memory")) {
      all.addAll(seen);
      seen.addAll(request.candidates());
    }
    List<JudgedCandidate> scored =
        all.stream()
            .filter(c -> broken.equals("S3") || c.judgement().score().isPresent())
            .sorted(Comparator.comparingDouble(BreakableSelector::score))
            .toList();
    if (scored.isEmpty()) {
      return Optional.empty();
    }
    JudgedCandidate chosen = scored.get(scored.size() - 1);
    JudgedCandidate rejected = scored.get(0);
    if (broken.equals("S4") && scored.size() == 2 && score(chosen) == score(rejected)) {
      return Optional.of(new PreferencePair(prompt, chosen, rejected));
    }
    boolean same = chosen.candidate().text().equals(rejected.candidate().text());
    if (score(chosen) <= score(rejected) || (same && !broken.equals("S6"))) {
      return Optional.empty();
    }
    return switch (broken) {
      case "S1" ->
          Optional.of(
              new PreferencePair(
                  prompt,
                  chosen,
                  PairSelectorRules.candidate(99, "invented", OptionalDouble.of(-1))));
      case "S2" -> Optional.of(new PreferencePair(prompt, rejected, chosen));
      case "S5-memory" -> {
        seen.add(chosen);
        yield seen.size() % 50 == 0
            ? Optional.empty()
            : Optional.of(new PreferencePair(prompt, chosen, rejected));
      }
      case "S5" ->
          CALLS.incrementAndGet() % 3 == 0
              ? Optional.empty()
              : Optional.of(new PreferencePair(prompt, chosen, rejected));
      default -> Optional.of(new PreferencePair(prompt, chosen, rejected));
    };
  }

  private static double score(JudgedCandidate c) {
    return c.judgement().score().orElse(-1);
  }
}
