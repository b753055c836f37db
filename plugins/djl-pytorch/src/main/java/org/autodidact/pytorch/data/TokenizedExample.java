package org.autodidact.pytorch.data;

/**
 * A tokenized training example: one answer for a demonstration, chosen and rejected for a
 * preference.
 *
 * @param index its place among the request's examples, for errors
 * @param consistency of a preference, 1 for a demonstration
 * @param prompt its tokens, at least one
 * @param answers their tokens, which are scored
 */
public record TokenizedExample(int index, double consistency, int[] prompt, int[]... answers) {

  /** Tokens of all its sequences, the prompt counted in each. */
  public int tokens() {
    int sum = 0;
    for (int[] answer : answers) {
      sum += prompt.length + answer.length;
    }
    return sum;
  }

  /** Tokens that are computed: the prompt once, and no answer's last one. */
  int computed() {
    int sum = prompt.length;
    for (int[] answer : answers) {
      sum += Math.max(0, answer.length - 1);
    }
    return sum;
  }

  /** Its longest sequence. */
  public int width() {
    int width = 0;
    for (int[] answer : answers) {
      width = Math.max(width, prompt.length + answer.length);
    }
    return width;
  }

  /** Tokens that are scored. */
  public int scored() {
    int sum = 0;
    for (int[] answer : answers) {
      sum += answer.length;
    }
    return sum;
  }
}
