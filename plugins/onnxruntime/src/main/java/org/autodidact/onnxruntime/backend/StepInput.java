package org.autodidact.onnxruntime.backend;

import java.util.Arrays;

/**
 * The N new tokens of a run without padding.
 *
 * @param sequences the sequence of each token, an index into the run's [N]
 * @param cacheIndices its index in the sequence's slot of the cache [N]
 * @param positions its position in the text [N]
 * @param ids its id [N]
 * @param tokens for each index into the input's ids, the token's index here [B × width]
 * @param int16Before how many tokens before each are quantized to 16 bits, and of all [N + 1]
 */
public record StepInput(
    int[] sequences,
    int[] cacheIndices,
    int[] positions,
    int[] ids,
    int[] tokens,
    int[] int16Before) {
  /**
   * Last tokens of a text that are quantized to 16 bits, as a row of high and a row of low bytes:
   * attention averages away what 8 bits do to earlier tokens; the error of these goes into the
   * logits.
   */
  private static final int INT16_TAIL = DecoderSession.UNSHARED_TAIL;

  private static StepInput of(int maxTokens, int ids) {
    return new StepInput(
        new int[maxTokens],
        new int[maxTokens],
        new int[maxTokens],
        new int[maxTokens],
        new int[ids],
        new int[maxTokens + 1]);
  }

  public static StepInput of(DecoderSession.Input input) {
    int width = input.width();
    int count = input.lengths().length;
    int[] wanted = new int[count];
    for (long index : input.wanted()) {
      wanted[(int) index / width]++;
    }
    int maxTokens = input.ids().length;
    StepInput all = of(maxTokens, maxTokens);
    int n = 0;
    for (int sequence = 0; sequence < count; sequence++) {
      int length = input.lengths()[sequence];
      int start = Math.max(0, length - width);
      // A text whose every token is scored would take twice the time.
      boolean int16 = width > 1 && wanted[sequence] > 0 && wanted[sequence] <= INT16_TAIL;
      for (int i = 0; start + i < length; i++) {
        int index = sequence * width + i;
        all.sequences[n] = sequence;
        all.cacheIndices[n] = start + i;
        all.positions[n] = input.positions()[sequence] + i;
        all.ids[n] = (int) input.ids()[index];
        all.tokens[index] = n;
        boolean tail = start + i + INT16_TAIL >= length;
        all.int16Before[n + 1] = all.int16Before[n] + (int16 && tail ? 1 : 0);
        n++;
      }
    }
    return new StepInput(
        Arrays.copyOf(all.sequences, n),
        Arrays.copyOf(all.cacheIndices, n),
        Arrays.copyOf(all.positions, n),
        Arrays.copyOf(all.ids, n),
        all.tokens,
        Arrays.copyOf(all.int16Before, n + 1));
  }

  public int count() {
    return ids.length;
  }

  /** The tokens at some indices into the input's ids, which are ascending. */
  public StepInput only(long[] wanted) {
    StepInput kept = of(wanted.length, tokens.length);
    for (int i = 0; i < wanted.length; i++) {
      int token = token(wanted[i]);
      kept.sequences[i] = sequences[token];
      kept.cacheIndices[i] = cacheIndices[token];
      kept.positions[i] = positions[token];
      kept.ids[i] = ids[token];
      kept.tokens[(int) wanted[i]] = i;
      kept.int16Before[i + 1] = kept.int16Before[i] + (isInt16(token) ? 1 : 0);
    }
    return kept;
  }

  /** The token at an index into the input's ids. */
  public int token(long index) {
    return tokens[(int) index];
  }

  /** Whether a token is quantized to 16 bits instead of 8. */
  public boolean isInt16(int token) {
    return int16Before[token + 1] > int16Before[token];
  }
}
