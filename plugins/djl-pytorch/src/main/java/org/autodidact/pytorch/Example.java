package org.autodidact.pytorch;

/**
 * A tokenized training example: one sequence for a demonstration, chosen and rejected for a
 * preference.
 *
 * @param index its place among the request's examples, for errors
 * @param sequences the sequences
 */
record Example(int index, Sequence... sequences) {

  /** Tokens run for it, prompts included. */
  int tokens() {
    int sum = 0;
    for (Sequence sequence : sequences) {
      sum += sequence.ids().length;
    }
    return sum;
  }

  /** Its longest sequence. */
  int width() {
    int width = 0;
    for (Sequence sequence : sequences) {
      width = Math.max(width, sequence.ids().length);
    }
    return width;
  }

  /** Tokens that are scored. */
  int scored() {
    int sum = 0;
    for (Sequence sequence : sequences) {
      sum += sequence.scored();
    }
    return sum;
  }

  /**
   * Prompt and answer.
   *
   * @param ids token ids
   * @param promptLength how many of them are the prompt; the rest is scored
   */
  record Sequence(int[] ids, int promptLength) {
    int scored() {
      return ids.length - promptLength;
    }
  }
}
