package org.autodidact.engine.store;

import com.fasterxml.jackson.annotation.JsonProperty;
import com.fasterxml.jackson.core.type.TypeReference;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.Answer;
import org.autodidact.api.Message;
import org.autodidact.api.Probe;

/**
 * What a run stores about the handover of a model from the trainer to the generator: the probes
 * that the trainer scored, and the comparison with the scores of the generator.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class ModelHandover {
  // The names of the facts, which earlier versions stored.
  private static final String SCORED = "weighed: ";
  private static final String COMPARED = "compared: ";

  private ModelHandover() {}

  /**
   * A probe and the log-probabilities that the trainer computed for it.
   *
   * @param name its name in errors
   * @param messages role and content of each message before the answer
   * @param sampledLogProbability the log-probability under which the generator sampled the answer
   *     from the training's base; null where it was sampled from another model
   */
  public record ScoredProbe(
      String name,
      List<List<String>> messages,
      String text,
      List<Integer> answer,
      boolean ends,
      @JsonProperty("drawn") Double sampledLogProbability,
      double before,
      double after,
      int tokens,
      double rounding) {

    public ScoredProbe {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(text, "text");
      answer = List.copyOf(answer);
      messages = messages.stream().map(List::copyOf).toList();
      if (messages.stream().anyMatch(m -> m.size() != 2)) {
        throw new IllegalArgumentException("a message is a role and a content");
      }
    }

    /** A probe with its result. */
    public static ScoredProbe of(
        String name, Probe probe, Optional<Double> sampledLogProbability, Probe.Result result) {
      return new ScoredProbe(
          name,
          probe.prompt().stream().map(m -> List.of(m.role(), m.content())).toList(),
          probe.answer().text(),
          probe.answer().tokens(),
          probe.answer().ends(),
          sampledLogProbability.orElse(null),
          result.before(),
          result.after(),
          result.tokens(),
          result.rounding());
    }

    /** The probe. */
    public Probe probe() {
      return new Probe(
          messages.stream().map(m -> new Message(m.get(0), m.get(1))).toList(),
          new Answer(text, answer, ends));
    }
  }

  /**
   * The comparison of generator and trainer.
   *
   * @param verdict {@code agree}, {@code disagree}, or why nothing was compared
   * @param probes compared
   * @param tokens of these probes
   * @param mean difference of generator and trainer, nats a token, over all tokens
   * @param largest absolute mean difference of a probe
   * @param bound of the rounding error of that probe
   * @param seconds that the comparison took
   */
  public record Comparison(
      String verdict,
      int probes,
      int tokens,
      double mean,
      double largest,
      double bound,
      double seconds) {
    public static final String AGREE = "agree";
    public static final String DISAGREE = "disagree";

    public Comparison {
      Objects.requireNonNull(verdict, "verdict");
    }

    /** Nothing was compared. */
    public static Comparison not(String why) {
      return new Comparison("not checked: " + why, 0, 0, 0, 0, 0, 0);
    }
  }

  /** Stores the probes that a model's trainer scored. */
  public static void put(RunStore store, String model, List<ScoredProbe> probes) {
    store.put(SCORED + model, Database.json(probes));
  }

  /** Stores a comparison. */
  public static void put(RunStore store, String model, Comparison comparison) {
    store.put(COMPARED + model, Database.json(comparison));
  }

  /** The probes that the trainer of a model scored; empty where the run did not train it. */
  public static Optional<List<ScoredProbe>> scoredProbes(RunStore store, String model) {
    return store.parsed(SCORED + model, new TypeReference<>() {});
  }

  /** The comparison of a model, if there was one. */
  public static Optional<Comparison> comparison(RunStore store, String model) {
    return store.parsed(COMPARED + model, new TypeReference<>() {});
  }

  /** All comparisons, by model. */
  public static Map<String, Comparison> all(RunStore store) {
    Map<String, Comparison> all = new java.util.TreeMap<>();
    for (String name : store.properties(COMPARED).keySet()) {
      String model = name.substring(COMPARED.length());
      all.put(model, comparison(store, model).orElseThrow());
    }
    return all;
  }
}
