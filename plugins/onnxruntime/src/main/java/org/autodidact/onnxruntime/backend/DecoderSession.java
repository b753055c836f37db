package org.autodidact.onnxruntime.backend;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** What runs a decoder, with its own caches and what a run writes. One run at a time. */
public interface DecoderSession extends AutoCloseable {
  /**
   * The last tokens of a text, which are computed for it alone even where another text begins with
   * them: they may be rounded otherwise than within a text, and one token alone takes other
   * kernels.
   */
  int TAIL = 4;

  /**
   * Tokens of a run are attended to in blocks of a multiple of this. One that is a block alone
   * takes other kernels as well, so no run has one over.
   */
  int BLOCK = 16;

  /** What the rows have of their own. */
  KvCache cache();

  /** Prompts that rows share. */
  KvCache prefixes();

  /** One row, what all prompts have in common. */
  KvCache common();

  /** One row, where prompts that begin alike are computed one after another. */
  KvCache desk();

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
  public record Input(
      KvCache target,
      int firstRow,
      long[] ids,
      int width,
      int[] lengths,
      int[] positions,
      long[] wanted,
      float[] inverseTemperatures,
      Optional<SharedPrefixes> shared) {

    /**
     * New rows side by side, each with its prompt.
     *
     * @param wanted where logits are wanted, the tokens of each prompt
     */
    public static Input together(
        KvCache target, int firstRow, List<int[]> prompts, List<int[]> wanted, float[] inverse) {
      int rows = prompts.size();
      int[] lengths = prompts.stream().mapToInt(tokens -> tokens.length).toArray();
      int longest = Arrays.stream(lengths).max().orElseThrow();
      int width = oneOver(longest) ? longest + 1 : longest;
      long[] ids = new long[rows * width];
      LongStream.Builder places = LongStream.builder();
      for (int row = 0; row < rows; row++) {
        for (int t = 0; t < lengths[row]; t++) {
          ids[row * width + t] = prompts.get(row)[t];
        }
        for (int t : wanted.get(row)) {
          places.add((long) row * width + t);
        }
      }
      return new Input(
          target,
          firstRow,
          ids,
          width,
          lengths,
          new int[rows],
          places.build().toArray(),
          inverse,
          Optional.empty());
    }

    /**
     * A prompt, whole or from about {@code start} on: the first token that is not in the cache.
     *
     * @param wanted tokens of the prompt, none before {@code start}
     */
    public static Input ofOne(
        KvCache target, int row, int[] tokens, int start, int[] wanted, float inverse) {
      float[] each = new float[wanted.length];
      Arrays.fill(each, inverse);
      if (start == 0) {
        return together(target, row, List.of(tokens), List.of(wanted), each);
      }
      int from = oneOver(tokens.length - start) ? start - 1 : start;
      long[] ids = IntStream.range(from, tokens.length).mapToLong(i -> tokens[i]).toArray();
      return new Input(
          target,
          row,
          ids,
          ids.length,
          new int[] {tokens.length},
          new int[] {from},
          Arrays.stream(wanted).mapToLong(t -> t - from).toArray(),
          each,
          Optional.empty());
    }

    private static boolean oneOver(int tokens) {
      return tokens > 1 && tokens % BLOCK == 1;
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
