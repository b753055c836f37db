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
import org.autodidact.engine.store.IterationStore.SampledCandidate;
import org.autodidact.engine.store.PromptRange;
import org.autodidact.engine.store.RunStore;

/** The probes of a training: a few short answers, so that scoring them costs next to nothing. */
final class Probes {
  private static final int MOST = 8;

  /** At most, of all answers together. */
  private static final int TOKENS = 512;

  private static final int PROMPT_CHARACTERS = 4000;
  private static final int ANSWER_CHARACTERS = 400;

  /**
   * A probe with a name.
   *
   * @param name its name in errors
   * @param sampledLogProbability of the whole answer, where it was sampled from the training's base
   */
  record Named(String name, Probe probe, Optional<Double> sampledLogProbability) {}

  private Probes() {}

  /**
   * The first candidate of each of some prompts, by its sampled tokens.
   *
   * @param author the iterate that they are sampled from
   * @param base what the training starts from
   */
  static List<Named> ofCandidates(RunStore store, int iteration, String author, String base) {
    List<Prompt> prompts = store.iterations().prompts(iteration);
    List<Named> probes = new ArrayList<>();
    int left = TOKENS;
    for (PromptRange portion : PromptRange.portions(prompts.size())) {
      for (var byPosition : store.iterations().candidates(iteration, portion).entrySet()) {
        if (probes.size() == MOST || left <= 0) {
          return probes;
        }
        Prompt prompt = prompts.get(byPosition.getKey());
        var first = byPosition.getValue().entrySet().iterator().next();
        List<Integer> tokens = first.getValue().candidate().tokens();
        if (first.getValue().model().equals(author)
            && !tokens.isEmpty()
            && characters(prompt.messages()) <= PROMPT_CHARACTERS) {
          probes.add(named(prompt, first.getKey(), first.getValue(), base, left));
          left -= tokens.size();
        }
      }
    }
    return probes;
  }

  private static Named named(
      Prompt prompt, int position, SampledCandidate sampled, String base, int maxTokens) {
    Candidate c = sampled.candidate();
    boolean whole = c.tokens().size() <= maxTokens;
    Answer answer =
        new Answer(c.text(), whole ? c.tokens() : c.tokens().subList(0, maxTokens), false);
    return new Named(
        "candidate " + position + " of prompt '" + prompt.id() + "'",
        new Probe(prompt.messages(), answer),
        whole && sampled.model().equals(base)
            ? c.logProbability().stream().boxed().findFirst()
            : Optional.empty());
  }

  /** The first examples whose prompts are short. */
  static List<Named> ofExamples(List<TrainingExample> examples) {
    List<Named> probes = new ArrayList<>();
    for (int i = 0; i < examples.size() && probes.size() < MOST; i++) {
      if (examples.get(i) instanceof TrainingExample.Demonstration d
          && characters(d.prompt()) <= PROMPT_CHARACTERS
          && !d.response().text().isEmpty()) {
        probes.add(
            new Named(
                "example " + i, new Probe(d.prompt(), truncated(d.response())), Optional.empty()));
      }
    }
    return probes;
  }

  private static Answer truncated(Answer answer) {
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
