package org.autodidact.engine.evaluation;

import java.util.List;
import java.util.Objects;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judgement;
import org.autodidact.engine.data.RankedInstruction;

/**
 * An instruction whose answers were ordered by people and graded by a judge.
 *
 * @param ranked the instruction and its answers
 * @param judgements one an answer, in their order
 */
public record JudgedInstruction(RankedInstruction ranked, List<Judgement> judgements) {
  public JudgedInstruction {
    Objects.requireNonNull(ranked, "ranked");
    judgements = List.copyOf(judgements);
    if (judgements.size() != ranked.answers().size()) {
      throw new InvalidInputException(
          ranked.answers().size() + " answers and " + judgements.size() + " judgements");
    }
  }
}
