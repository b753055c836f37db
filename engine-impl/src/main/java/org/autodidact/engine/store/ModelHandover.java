package org.autodidact.engine.store;

import com.fasterxml.jackson.core.type.TypeReference;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.autodidact.api.Answer;
import org.autodidact.api.Message;
import org.autodidact.api.Probe;

/**
 * What a run keeps of the handing of a model from the trainer to the generator: what was weighed,
 * and what came of comparing.
 */
public final class ModelHandover {
  private static final String WEIGHED = "weighed: ";
  private static final String COMPARED = "compared: ";

  private ModelHandover() {}

  /**
   * A probe and what the trainer found.
   *
   * @param name what it is called in errors
   * @param messages role and content of the conversation before the answer, message by message
   * @param drawn the log-probability of the generator that drew the answer from the training's
   *     base, null where it was not that
   */
  public record Weighed(
      String name,
      List<List<String>> messages,
      String text,
      List<Integer> answer,
      boolean ends,
      Double drawn,
      double before,
      double after,
      int tokens,
      double rounding) {

    public Weighed {
      Objects.requireNonNull(name, "name");
      Objects.requireNonNull(text, "text");
      answer = List.copyOf(answer);
      messages = messages.stream().map(List::copyOf).toList();
      if (messages.stream().anyMatch(m -> m.size() != 2)) {
        throw new IllegalArgumentException("a message is a role and a content");
      }
    }

    /** A probe with its reading. */
    public static Weighed of(
        String name, Probe probe, Optional<Double> drawn, Probe.Result reading) {
      return new Weighed(
          name,
          probe.prompt().stream().map(m -> List.of(m.role(), m.content())).toList(),
          probe.answer().text(),
          probe.answer().tokens(),
          probe.answer().ends(),
          drawn.orElse(null),
          reading.before(),
          reading.after(),
          reading.tokens(),
          reading.rounding());
    }

    /** The probe. */
    public Probe probe() {
      return new Probe(
          messages.stream().map(m -> new Message(m.get(0), m.get(1))).toList(),
          new Answer(text, answer, ends));
    }
  }

  /**
   * What came of comparing.
   *
   * @param verdict {@code agree}, {@code disagree}, or why nothing was compared
   * @param probes compared
   * @param tokens of them
   * @param mean difference of generator and trainer, nats a token, over all tokens
   * @param largest of a probe's means, without sign
   * @param bound of that one
   * @param seconds it took
   */
  public record Compared(
      String verdict,
      int probes,
      int tokens,
      double mean,
      double largest,
      double bound,
      double seconds) {
    public static final String AGREE = "agree";
    public static final String DISAGREE = "disagree";

    public Compared {
      Objects.requireNonNull(verdict, "verdict");
    }

    /** Nothing was compared. */
    public static Compared not(String why) {
      return new Compared("not checked: " + why, 0, 0, 0, 0, 0, 0);
    }
  }

  /** Keeps what a model's trainer found. */
  public static void put(RunStore store, String model, List<Weighed> weighed) {
    store.put(WEIGHED + model, Database.json(weighed));
  }

  /** Keeps what came of comparing. */
  public static void put(RunStore store, String model, Compared compared) {
    store.put(COMPARED + model, Database.json(compared));
  }

  /** What the trainer found of a model; none of one that was not trained in the run. */
  public static Optional<List<Weighed>> weighed(RunStore store, String model) {
    return store.parsed(WEIGHED + model, new TypeReference<>() {});
  }

  /** What came of comparing a model, if it was. */
  public static Optional<Compared> compared(RunStore store, String model) {
    return store.parsed(COMPARED + model, new TypeReference<>() {});
  }

  /** What came of each model, by name. */
  public static Map<String, Compared> all(RunStore store) {
    Map<String, Compared> all = new java.util.TreeMap<>();
    for (String name : store.properties(COMPARED).keySet()) {
      String model = name.substring(COMPARED.length());
      all.put(model, compared(store, model).orElseThrow());
    }
    return all;
  }
}
