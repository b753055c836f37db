package org.autodidact.pytorch;

import java.util.List;

/**
 * What one pass runs: the tokens of some examples, one after another without padding, each prompt
 * once for all of its answers. Attention sees them as sequences, prompt and answer, right-padded
 * and causal: of preferences, first every chosen one, then every rejected one. A sequence's last
 * token is only ever predicted, so it is left out.
 *
 * @param rows sequences
 * @param width tokens of the longest
 * @param ids [tokens]
 * @param places [tokens]: each token's place in its sequence
 * @param slots [rows × width]: the token at each place of each sequence; padding has token 0
 * @param own [tokens]: the slot whose attention a token takes
 * @param againFrom the further slots of shared prompts
 * @param againTo their tokens
 * @param at where logits are wanted: the tokens before scored ones
 * @param targets the scored tokens' ids
 * @param owners the sequence of each scored token
 */
record Pass(
    int rows,
    int width,
    long[] ids,
    long[] places,
    long[] slots,
    long[] own,
    long[] againFrom,
    long[] againTo,
    long[] at,
    long[] targets,
    long[] owners) {

  static Pass of(List<Example> examples) {
    int each = examples.get(0).answers().length;
    int rows = each * examples.size();
    int width = examples.stream().mapToInt(Example::width).max().orElseThrow() - 1;
    int tokens = examples.stream().mapToInt(Example::computed).sum();
    int scored = examples.stream().mapToInt(Example::scored).sum();
    int again = examples.stream().mapToInt(e -> e.prompt().length).sum() * (each - 1);
    Pass pass =
        new Pass(
            rows,
            Math.max(1, width),
            new long[tokens],
            new long[tokens],
            new long[rows * Math.max(1, width)],
            new long[tokens],
            new long[again],
            new long[again],
            new long[scored],
            new long[scored],
            new long[scored]);
    pass.fill(examples);
    return pass;
  }

  private void fill(List<Example> examples) {
    int[] firsts = new int[examples.size()];
    int token = 0;
    int repeated = 0;
    int score = 0;
    for (int e = 0; e < firsts.length; e++) {
      firsts[e] = token;
      int[] prompt = examples.get(e).prompt();
      for (int t = 0; t < prompt.length; t++) {
        token = put(token, prompt[t], t, e);
      }
    }
    for (int s = 0; s * firsts.length < rows; s++) {
      for (int e = 0; e < firsts.length; e++) {
        int row = s * firsts.length + e;
        int prompt = examples.get(e).prompt().length;
        int[] answer = examples.get(e).answers()[s];
        if (s > 0) {
          for (int t = 0; t < prompt; t++) {
            slots[row * width + t] = firsts[e] + t;
            againFrom[repeated] = (long) row * width + t;
            againTo[repeated++] = firsts[e] + t;
          }
        }
        for (int t = 0; t < answer.length; t++) {
          at[score] = t == 0 ? firsts[e] + prompt - 1 : token - 1;
          targets[score] = answer[t];
          owners[score++] = row;
          if (t < answer.length - 1) {
            token = put(token, answer[t], prompt + t, row);
          }
        }
      }
    }
  }

  private int put(int token, int id, int place, int row) {
    ids[token] = id;
    places[token] = place;
    own[token] = (long) row * width + place;
    slots[row * width + place] = token;
    return token + 1;
  }

  /** Scored tokens of each sequence. */
  double[] lengths() {
    double[] lengths = new double[rows];
    for (long owner : owners) {
      lengths[(int) owner]++;
    }
    return lengths;
  }
}
