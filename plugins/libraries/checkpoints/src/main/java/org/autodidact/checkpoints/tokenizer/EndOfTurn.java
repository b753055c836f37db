package org.autodidact.checkpoints.tokenizer;

import java.util.List;
import java.util.Set;

/**
 * Where a model's answer ends: at one of some tokens, or where it writes out what its chat template
 * closes a turn with.
 *
 * @param tokens ids that end an answer: config.json's, generation_config.json's, and the special
 *     token with which the template closes an assistant's turn
 * @param sequence ids that end it one after another, as the tokenizer cuts what closes a turn;
 *     empty unless the template closes turns with ordinary text
 */
public record EndOfTurn(Set<Integer> tokens, List<Integer> sequence) {
  public EndOfTurn {
    tokens = Set.copyOf(tokens);
    sequence = List.copyOf(sequence);
  }

  /**
   * How many of an answer's last tokens are its end: 0 where it goes on.
   *
   * @param answer token ids, of which the first {@code count} are there
   */
  public int ending(int[] answer, int count) {
    if (count > 0 && tokens.contains(answer[count - 1])) {
      return 1;
    }
    int length = sequence.size();
    if (length == 0 || count < length) {
      return 0;
    }
    for (int i = 0; i < length; i++) {
      if (sequence.get(i) != answer[count - length + i]) {
        return 0;
      }
    }
    return length;
  }
}
