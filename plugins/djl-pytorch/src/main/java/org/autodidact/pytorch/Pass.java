package org.autodidact.pytorch;

import java.util.List;

/**
 * What one pass runs: the sequences of some examples, right-padded. Of preferences, first every
 * chosen one, then every rejected one.
 *
 * @param rows sequences
 * @param width tokens of the longest
 * @param ids [rows × width]
 * @param positions where logits are wanted: indices into {@code ids} of the tokens before scored
 *     ones
 * @param targets the scored tokens
 * @param owners the sequence of each scored token
 */
record Pass(int rows, int width, long[] ids, long[] positions, long[] targets, long[] owners) {

  static Pass of(List<Example> examples) {
    int each = examples.get(0).sequences().length;
    int rows = each * examples.size();
    int width = examples.stream().mapToInt(Example::width).max().orElseThrow();
    int scored = examples.stream().mapToInt(Example::scored).sum();
    Pass pass =
        new Pass(
            rows,
            width,
            new long[rows * width],
            new long[scored],
            new long[scored],
            new long[scored]);
    int next = 0;
    for (int s = 0; s < each; s++) {
      for (int e = 0; e < examples.size(); e++) {
        next = pass.put(examples.get(e).sequences()[s], s * examples.size() + e, next);
      }
    }
    return pass;
  }

  private int put(Example.Sequence sequence, int row, int next) {
    int at = next;
    for (int t = 0; t < sequence.ids().length; t++) {
      ids[row * width + t] = sequence.ids()[t];
      if (t >= sequence.promptLength()) {
        positions[at] = (long) row * width + t - 1;
        targets[at] = sequence.ids()[t];
        owners[at++] = row;
      }
    }
    return at;
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
