package org.autodidact.pytorch;

import java.util.List;

/**
 * What one pass runs: the tokens of some examples, one after another without padding, each prompt
 * once for all of its answers. Attention sees them as sequences, prompt and answer, each by itself:
 * of preferences, first every chosen one, then every rejected one. A sequence's last token is only
 * ever predicted, so it is left out.
 *
 * @param widths tokens of each sequence
 * @param ids [tokens]
 * @param places [tokens]: each token's place in its sequence
 * @param slots the token at each place of each sequence, one sequence after another
 * @param own [tokens]: the slot whose attention a token takes
 * @param againFrom the further slots of shared prompts
 * @param againTo their tokens
 * @param at where logits are wanted: the tokens before scored ones
 * @param targets the scored tokens' ids
 * @param owners the sequence of each scored token
 */
record Pass(
    long[] widths,
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
    int tokens = examples.stream().mapToInt(Example::computed).sum();
    int scored = examples.stream().mapToInt(Example::scored).sum();
    int again = examples.stream().mapToInt(e -> e.prompt().length).sum() * (each - 1);
    Pass pass =
        new Pass(
            new long[each * examples.size()],
            new long[tokens],
            new long[tokens],
            new long[tokens + again],
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
    for (int e = 0; e < firsts.length; e++) {
      firsts[e] = token;
      int[] prompt = examples.get(e).prompt();
      for (int t = 0; t < prompt.length; t++) {
        ids[token] = prompt[t];
        places[token++] = t;
      }
    }
    int slot = 0;
    int repeated = 0;
    int score = 0;
    for (int row = 0; row < widths.length; row++) {
      int first = firsts[row % firsts.length];
      int prompt = examples.get(row % firsts.length).prompt().length;
      int[] answer = examples.get(row % firsts.length).answers()[row / firsts.length];
      for (int t = 0; t < prompt; t++) {
        slots[slot] = first + t;
        if (row < firsts.length) {
          own[first + t] = slot;
        } else {
          againFrom[repeated] = slot;
          againTo[repeated++] = first + t;
        }
        slot++;
      }
      for (int t = 0; t < answer.length; t++) {
        at[score] = t == 0 ? first + prompt - 1 : token - 1;
        targets[score] = answer[t];
        owners[score++] = row;
        if (t < answer.length - 1) {
          ids[token] = answer[t];
          places[token] = prompt + t;
          own[token] = slot;
          slots[slot++] = token++;
        }
      }
      widths[row] = prompt + Math.max(0, answer.length - 1);
    }
  }

  /** Scored tokens of each sequence. */
  double[] lengths() {
    double[] lengths = new double[widths.length];
    for (long owner : owners) {
      lengths[(int) owner]++;
    }
    return lengths;
  }
}
