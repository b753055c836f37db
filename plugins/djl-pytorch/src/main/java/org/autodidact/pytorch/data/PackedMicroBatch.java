package org.autodidact.pytorch.data;

import java.util.List;

/**
 * What one pass runs: the tokens of some examples, one example after another without padding, each
 * a prompt and behind it all of its answers. Attention sees them as sequences, the prompt and one
 * answer, each by itself. A sequence's last token is only ever predicted, so it is left out.
 *
 * @param prompts tokens of each prompt
 * @param answers tokens of each answer that are there, example by example
 * @param ids [tokens]
 * @param places [tokens]: each token's place in its sequence
 * @param at where logits are wanted: the tokens before scored ones
 * @param targets the scored tokens' ids
 * @param owners the sequence of each scored token: first come all examples' first answers, so of
 *     preferences every chosen one, then every rejected one
 */
public record PackedMicroBatch(
    long[] prompts,
    long[] answers,
    long[] ids,
    long[] places,
    long[] at,
    long[] targets,
    long[] owners) {

  public static PackedMicroBatch of(List<TokenizedExample> examples) {
    int each = examples.get(0).answers().length;
    int tokens = examples.stream().mapToInt(TokenizedExample::computed).sum();
    int scored = examples.stream().mapToInt(TokenizedExample::scored).sum();
    PackedMicroBatch pass =
        new PackedMicroBatch(
            new long[examples.size()],
            new long[each * examples.size()],
            new long[tokens],
            new long[tokens],
            new long[scored],
            new long[scored],
            new long[scored]);
    pass.fill(examples, each);
    return pass;
  }

  private void fill(List<TokenizedExample> examples, int each) {
    int token = 0;
    int score = 0;
    for (int e = 0; e < prompts.length; e++) {
      int[] prompt = examples.get(e).prompt();
      prompts[e] = prompt.length;
      for (int t = 0; t < prompt.length; t++) {
        ids[token] = prompt[t];
        places[token++] = t;
      }
      int last = token - 1;
      for (int i = 0; i < each; i++) {
        int[] answer = examples.get(e).answers()[i];
        answers[e * each + i] = Math.max(0, answer.length - 1);
        for (int t = 0; t < answer.length; t++) {
          at[score] = t == 0 ? last : token - 1;
          targets[score] = answer[t];
          owners[score++] = i * prompts.length + e;
          if (t < answer.length - 1) {
            ids[token] = answer[t];
            places[token++] = prompt.length + t;
          }
        }
      }
    }
  }

  /** Scored tokens of each sequence. */
  public double[] lengths() {
    double[] lengths = new double[answers.length];
    for (long owner : owners) {
      lengths[(int) owner]++;
    }
    return lengths;
  }
}
