package org.autodidact.pytorch.data;

import java.util.List;

/**
 * A packed micro-batch: the tokens of some examples, one example after another without padding,
 * each a prompt and behind it all of its answers. A sequence is a prompt and one of its answers;
 * attention sees each by itself. A sequence's last token is only ever predicted, so it is left out.
 *
 * @param promptLengths [examples]: tokens of each prompt
 * @param answerLengths [sequences]: tokens of each answer that are there, example by example
 * @param ids [tokens]
 * @param positions [tokens]: each token's position in its sequence
 * @param logitIndices [scored tokens]: where logits are wanted, the tokens before scored ones
 * @param targets [scored tokens]: the scored tokens' ids
 * @param segmentIds [scored tokens]: the sequence of each; first come all examples' first answers,
 *     so of preferences every chosen one, then every rejected one
 */
public record PackedMicroBatch(
    long[] promptLengths,
    long[] answerLengths,
    long[] ids,
    long[] positions,
    long[] logitIndices,
    long[] targets,
    long[] segmentIds) {

  public static PackedMicroBatch of(List<TokenizedExample> examples) {
    int answersPerPrompt = examples.get(0).answers().length;
    int tokens = examples.stream().mapToInt(TokenizedExample::computedTokens).sum();
    int scored = examples.stream().mapToInt(TokenizedExample::scoredTokens).sum();
    PackedMicroBatch batch =
        new PackedMicroBatch(
            new long[examples.size()],
            new long[answersPerPrompt * examples.size()],
            new long[tokens],
            new long[tokens],
            new long[scored],
            new long[scored],
            new long[scored]);
    batch.fill(examples, answersPerPrompt);
    return batch;
  }

  private void fill(List<TokenizedExample> examples, int answersPerPrompt) {
    int token = 0;
    int scored = 0;
    for (int e = 0; e < promptLengths.length; e++) {
      int[] prompt = examples.get(e).prompt();
      promptLengths[e] = prompt.length;
      for (int t = 0; t < prompt.length; t++) {
        ids[token] = prompt[t];
        positions[token++] = t;
      }
      int endOfPrompt = token - 1;
      for (int i = 0; i < answersPerPrompt; i++) {
        int[] answer = examples.get(e).answers()[i];
        answerLengths[e * answersPerPrompt + i] = Math.max(0, answer.length - 1);
        for (int t = 0; t < answer.length; t++) {
          logitIndices[scored] = t == 0 ? endOfPrompt : token - 1;
          targets[scored] = answer[t];
          segmentIds[scored++] = i * promptLengths.length + e;
          if (t < answer.length - 1) {
            ids[token] = answer[t];
            positions[token++] = prompt.length + t;
          }
        }
      }
    }
  }

  /** Scored tokens of each sequence. */
  public double[] scoredTokens() {
    double[] counts = new double[answerLengths.length];
    for (long segment : segmentIds) {
      counts[(int) segment]++;
    }
    return counts;
  }
}
