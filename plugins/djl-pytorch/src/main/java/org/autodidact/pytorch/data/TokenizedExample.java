package org.autodidact.pytorch.data;

/**
 * A tokenized training example: one answer for a demonstration, chosen and rejected for a
 * preference.
 *
 * @param index its index among the request's examples, for errors
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

  /** Tokens that a forward pass computes: the prompt once, and no answer's last one. */
  int computedTokens() {
    int sum = prompt.length;
    for (int[] answer : answers) {
      sum += Math.max(0, answer.length - 1);
    }
    return sum;
  }

  /** Tokens of its longest sequence. */
  public int longestSequence() {
    int longest = 0;
    for (int[] answer : answers) {
      longest = Math.max(longest, prompt.length + answer.length);
    }
    return longest;
  }

  /** Tokens of all its answers, which are scored. */
  public int scoredTokens() {
    int sum = 0;
    for (int[] answer : answers) {
      sum += answer.length;
    }
    return sum;
  }
}
