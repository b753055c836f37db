package org.autodidact.engine.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.Answer;
import org.autodidact.api.Candidate;
import org.autodidact.api.Message;
import org.autodidact.api.Probe;
import org.autodidact.api.Prompt;
import org.autodidact.api.TrainingExample;
import org.autodidact.engine.store.RunStore;
import org.autodidact.engine.store.RunStore.PlacedCandidate;

/** What trainer and generator are both asked: a few answers, so that it costs next to nothing. */
final class Probes {
  private static final int MOST = 8;

  /** Of all answers. */
  private static final int TOKENS = 512;

  private static final int PROMPT_CHARACTERS = 4000;
  private static final int ANSWER_CHARACTERS = 400;

  /**
   * One of them.
   *
   * @param name what it is called in errors
   * @param drawn its log-probability where it was drawn from the training's base, whole
   */
  record Named(String name, Probe probe, Optional<Double> drawn) {}

  private Probes() {}

  /**
   * The first candidate of each of some prompts, by its drawn tokens.
   *
   * @param author the iterate that wrote them
   * @param base what the training starts from
   */
  static List<Named> ofCandidates(RunStore store, int iteration, String author, String base) {
    List<Prompt> prompts = store.prompts(iteration);
    List<Named> probes = new ArrayList<>();
    int[] left = {TOKENS};
    store
        .placed(iteration)
        .forEach(
            (p, places) ->
                places.forEach(
                    (c, placed) -> {
                      List<Message> prompt = prompts.get(p).messages();
                      Candidate candidate = placed.candidate();
                      boolean first = places.keySet().iterator().next().equals(c);
                      if (probes.size() < MOST
                          && first
                          && left[0] > 0
                          && placed.model().equals(author)
                          && !candidate.tokens().isEmpty()
                          && characters(prompt) <= PROMPT_CHARACTERS) {
                        probes.add(named(prompts.get(p), c, placed, base, left[0]));
                        left[0] -= candidate.tokens().size();
                      }
                    }));
    return probes;
  }

  private static Named named(
      Prompt prompt, int place, PlacedCandidate placed, String base, int most) {
    Candidate c = placed.candidate();
    boolean whole = c.tokens().size() <= most;
    Answer answer = new Answer(c.text(), whole ? c.tokens() : c.tokens().subList(0, most), false);
    return new Named(
        "candidate " + place + " of prompt '" + prompt.id() + "'",
        new Probe(prompt.messages(), answer),
        whole && placed.model().equals(base) ? Optional.of(c.logProbability()) : Optional.empty());
  }

  /** The first examples, as far as they are short. */
  static List<Named> ofExamples(List<TrainingExample> examples) {
    List<Named> probes = new ArrayList<>();
    for (int i = 0; i < examples.size() && probes.size() < MOST; i++) {
      if (examples.get(i) instanceof TrainingExample.Demonstration d
          && characters(d.prompt()) <= PROMPT_CHARACTERS
          && !d.response().text().isEmpty()) {
        probes.add(
            new Named(
                "example " + i, new Probe(d.prompt(), beginning(d.response())), Optional.empty()));
      }
    }
    return probes;
  }

  private static Answer beginning(Answer answer) {
    String text = answer.text();
    if (!answer.tokens().isEmpty() || text.length() <= ANSWER_CHARACTERS) {
      return answer;
    }
    int end =
        Character.isHighSurrogate(text.charAt(ANSWER_CHARACTERS - 1))
            ? ANSWER_CHARACTERS - 1
            : ANSWER_CHARACTERS;
    return new Answer(text.substring(0, end), List.of(), false);
  }

  private static int characters(List<Message> messages) {
    return messages.stream().mapToInt(m -> m.content().length()).sum();
  }
}
