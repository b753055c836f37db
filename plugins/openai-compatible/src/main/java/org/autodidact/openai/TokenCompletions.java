package org.autodidact.openai;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import org.autodidact.api.Candidate;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.ShownText;
import org.autodidact.openai.TokenRoute.Drawn;
import org.autodidact.openai.TokenRoute.Sampled;

/**
 * Candidates by token ids: the learner's tokenizer and template encode the prompt, and what the
 * server samples is what is trained.
 *
 * @param scores whether tokens of which the server does not say ln p with the answer are scored by
 *     further requests
 */
record TokenCompletions(TokenRoute route, LearnerTokens tokens, boolean scores)
    implements CandidateSource {

  @Override
  public List<Answer> ask(
      Prompt prompt, List<Long> seeds, SamplingParameters sampling, BooleanSupplier isEnding) {
    try {
      List<Integer> ids = tokens.prompt(prompt.messages(), isEnding);
      List<Drawn> drawn =
          route.sample(new Sampled(ids, seeds, sampling, tokens.stopTokens(sampling)), isEnding);
      List<Answer> answers = new ArrayList<>();
      for (int i = 0; i < seeds.size(); i++) {
        answers.add(answer(ids, seeds.get(i), sampling, drawn.get(i), isEnding));
      }
      return answers;
    } catch (InvalidInputException e) {
      throw new InvalidInputException(
          "prompt '" + ShownText.of(prompt.id(), 40) + "': " + e.getMessage(), e);
    }
  }

  private Answer answer(
      List<Integer> prompt,
      long seed,
      SamplingParameters sampling,
      Drawn drawn,
      BooleanSupplier isEnding) {
    List<Integer> answer = drawn.tokens();
    if (answer.size() > sampling.maxTokens()) {
      throw foreign("has " + answer.size() + " tokens of " + sampling.maxTokens());
    }
    for (int token : answer) {
      if (token < 0 || token >= tokens.vocabulary()) {
        throw foreign(
            "has the token id "
                + token
                + " beyond the vocabulary of "
                + tokens.vocabulary()
                + ", which the learner has");
      }
    }
    LearnerTokens.Ended ended;
    try {
      ended = tokens.read(answer, sampling, drawn.isStopped());
    } catch (InvalidInputException e) {
      throw foreign(e.getMessage());
    }
    List<Integer> kept = answer.subList(0, ended.tokens());
    int known = Math.min(drawn.logProbabilities().size(), kept.size());
    double sum = drawn.logProbabilities().stream().limit(known).mapToDouble(p -> p).sum();
    if (known < kept.size() && scores) {
      List<Integer> before = new ArrayList<>(prompt);
      before.addAll(kept.subList(0, known));
      sum += route.score(before, List.of(kept.subList(known, kept.size())), isEnding).get(0);
      known = kept.size();
    }
    return new Answer(
        new Candidate(
            seed,
            ended.text(),
            kept,
            OptionalInt.of(kept.size()),
            known == kept.size() ? OptionalDouble.of(sum) : OptionalDouble.empty(),
            ended.reason()),
        prompt);
  }

  private InvalidInputException foreign(String what) {
    return new InvalidInputException("an answer of " + route.server.address() + " " + what);
  }
}
