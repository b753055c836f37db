package org.autodidact.engine.data;

import java.util.List;
import java.util.Objects;

/**
 * An instruction and answers to it that people, or a stronger model, have ordered.
 *
 * @param instruction what was asked
 * @param answers at least two
 */
public record RankedInstruction(String instruction, List<Answer> answers) {
  public RankedInstruction {
    Objects.requireNonNull(instruction, "instruction");
    answers = List.copyOf(answers);
  }

  /**
   * One of the answers.
   *
   * @param text the answer; may be empty
   * @param quality higher is better; comparable within the instruction only
   */
  public record Answer(String text, double quality) {
    public Answer {
      Objects.requireNonNull(text, "text");
    }
  }
}
