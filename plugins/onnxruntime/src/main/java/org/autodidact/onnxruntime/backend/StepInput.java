package org.autodidact.onnxruntime.backend;

import java.util.Arrays;

/**
 * The new tokens of a run, padding left out.
 *
 * @param rows the row of each, among the run's
 * @param places its place in the row's cache
 * @param positions its position in the text
 * @param ids its id
 * @param numbers for each index into the input's ids, which of these it is
 * @param fineBefore how many before each are rounded finely, and how many of all
 */
public record StepInput(
    int[] rows, int[] places, int[] positions, int[] ids, int[] numbers, int[] fineBefore) {
  /**
   * The last tokens of a text are rounded to 16 bits, two rows of bytes each: what 8 bits do to
   * earlier ones is averaged away by attention, what they do to these goes into the logits.
   */
  private static final int FINE = DecoderSession.TAIL;

  private static StepInput of(int most, int ids) {
    return new StepInput(
        new int[most],
        new int[most],
        new int[most],
        new int[most],
        new int[ids],
        new int[most + 1]);
  }

  public static StepInput of(DecoderSession.Input input) {
    int width = input.width();
    int count = input.lengths().length;
    int[] wanted = new int[count];
    for (long index : input.wanted()) {
      wanted[(int) index / width]++;
    }
    int most = input.ids().length;
    StepInput all = of(most, most);
    int n = 0;
    for (int row = 0; row < count; row++) {
      int length = input.lengths()[row];
      int start = Math.max(0, length - width);
      // A text whose every token is weighed would take twice the time.
      boolean fine = width > 1 && wanted[row] > 0 && wanted[row] <= FINE;
      for (int i = 0; start + i < length; i++) {
        int at = row * width + i;
        all.rows[n] = row;
        all.places[n] = start + i;
        all.positions[n] = input.positions()[row] + i;
        all.ids[n] = (int) input.ids()[at];
        all.numbers[at] = n;
        all.fineBefore[n + 1] = all.fineBefore[n] + (fine && start + i + FINE >= length ? 1 : 0);
        n++;
      }
    }
    return new StepInput(
        Arrays.copyOf(all.rows, n),
        Arrays.copyOf(all.places, n),
        Arrays.copyOf(all.positions, n),
        Arrays.copyOf(all.ids, n),
        all.numbers,
        Arrays.copyOf(all.fineBefore, n + 1));
  }

  public int count() {
    return rows.length;
  }

  /** Those at some indices into the input's ids, which are in order. */
  public StepInput only(long[] wanted) {
    StepInput left = of(wanted.length, numbers.length);
    for (int i = 0; i < wanted.length; i++) {
      int token = number(wanted[i]);
      left.rows[i] = rows[token];
      left.places[i] = places[token];
      left.positions[i] = positions[token];
      left.ids[i] = ids[token];
      left.numbers[(int) wanted[i]] = i;
      left.fineBefore[i + 1] = left.fineBefore[i] + (fine(token) ? 1 : 0);
    }
    return left;
  }

  /** The token at an index into the input's ids. */
  public int number(long index) {
    return numbers[(int) index];
  }

  public boolean fine(int token) {
    return fineBefore[token + 1] > fineBefore[token];
  }
}
