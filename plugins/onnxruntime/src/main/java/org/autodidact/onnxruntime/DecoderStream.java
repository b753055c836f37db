package org.autodidact.onnxruntime;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;

/** What runs a decoder, with its own caches and what a run writes. One run at a time. */
interface DecoderStream extends AutoCloseable {
  /**
   * The last tokens of a text, which are computed for it alone even where another text begins with
   * them: they may be rounded otherwise than within a text, and one token alone takes other
   * kernels.
   */
  int TAIL = 4;

  /** What the rows have of their own. */
  Cache cache();

  /** Prompts that rows share. */
  Cache prefixes();

  /** One row, what all prompts have in common. */
  Cache common();

  /** One row, where prompts that begin alike are computed one after another. */
  Cache desk();

  /** Runs new tokens through the decoder. */
  Logits run(Input input);

  /** Does something for each of {@code count} indices, on the threads that are free for it. */
  void forEach(int count, IntConsumer action);

  @Override
  void close();

  /**
   * New tokens of some rows of a cache.
   *
   * @param target the cache that the rows' keys and values stand in, and go into
   * @param firstRow the first row's place in it; the rows stand side by side
   * @param ids token ids [rows × width], right-padded
   * @param width tokens a row; more than one only where the rows are new, or there is one row
   * @param lengths tokens of each row in the cache after this run
   * @param positions position of each row's first new token
   * @param wanted where logits are wanted, indices into {@code ids}
   * @param inverseTemperatures one for each wanted
   * @param shared prompts that the rows attend to as well; needs a width of 1
   */
  record Input(
      Cache target,
      int firstRow,
      long[] ids,
      int width,
      int[] lengths,
      int[] positions,
      long[] wanted,
      float[] inverseTemperatures,
      Optional<Prefixes> shared) {

    /** The same, with one inverse temperature for all. */
    Input tempered(float inverseTemperature) {
      float[] inverse = new float[wanted.length];
      Arrays.fill(inverse, inverseTemperature);
      return new Input(target, firstRow, ids, width, lengths, positions, wanted, inverse, shared);
    }

    /** New rows side by side, each with its prompt. */
    static Input together(
        Cache target,
        int firstRow,
        List<int[]> prompts,
        long[] wanted,
        float[] inverseTemperatures) {
      int rows = prompts.size();
      int[] lengths = prompts.stream().mapToInt(tokens -> tokens.length).toArray();
      int width = Arrays.stream(lengths).max().orElseThrow();
      long[] ids = new long[rows * width];
      for (int row = 0; row < rows; row++) {
        for (int t = 0; t < lengths[row]; t++) {
          ids[row * width + t] = prompts.get(row)[t];
        }
      }
      return new Input(
          target,
          firstRow,
          ids,
          width,
          lengths,
          new int[rows],
          wanted,
          inverseTemperatures,
          Optional.empty());
    }

    /** A prompt, whole or from {@code start} on. */
    static Input ofOne(Cache target, int row, int[] tokens, int start, long[] wanted) {
      float[] inverse = new float[wanted.length];
      Arrays.fill(inverse, 1);
      long[] ids = new long[tokens.length - start];
      for (int i = 0; i < ids.length; i++) {
        ids[i] = tokens[start + i];
      }
      return new Input(
          target,
          row,
          ids,
          ids.length,
          new int[] {tokens.length},
          new int[] {start},
          wanted,
          inverse,
          Optional.empty());
    }
  }

  /** What a run wrote; overwritten by the next. Read by any number of threads. */
  interface Logits {

    /** Logits of a row. */
    int vocabulary();

    float logit(int row, int token);

    /** ln p of a token at temperature 1. */
    double logProbability(int row, int token);

    void copyLogits(int row, float[] into);

    /** Probabilities at the row's temperature. */
    void copyProbabilities(int row, float[] into);
  }
}
