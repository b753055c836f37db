package org.autodidact.onnxruntime.backend;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;

/** Runs a decoder over KV caches and logits of its own. One run at a time. */
public interface DecoderSession extends AutoCloseable {
  /**
   * Last tokens of a text that are computed for it alone, even where another text has the same
   * ones: they may be quantized otherwise than earlier tokens, and a run of one token takes other
   * kernels.
   */
  int UNSHARED_TAIL = 4;

  /**
   * Query tokens in a tile of ONNX Runtime's attention (by experiment, see {@code
   * CpuGeneratorTest}). A last tile of one token takes other kernels, which sum in another order;
   * so no run has one.
   */
  int QUERY_TILE = 16;

  SessionCaches caches();

  /** KV cache of the decoding sequences, one a slot. */
  default KvCache cache() {
    return caches().sequences();
  }

  /** Runs new tokens through the decoder: a prefill or a decode step. */
  Logits run(Input input);

  /** Calls {@code action} for each index below {@code count}, on the session's threads. */
  void forEach(int count, IntConsumer action);

  @Override
  void close();

  /**
   * New tokens of B sequences in adjacent slots of a cache.
   *
   * @param target the cache that holds the sequences' keys and values and takes the new ones
   * @param firstSlot the first sequence's slot
   * @param ids token ids [B × width], right-padded
   * @param width new tokens a sequence; more than one only where slots are empty, or B is 1
   * @param lengths tokens of each sequence in the cache after this run [B]
   * @param positions position in the text of each sequence's first new token [B]
   * @param wanted indices into {@code ids} whose logits are wanted [R], ascending
   * @param inverseTemperatures 1 / temperature for each wanted row of logits [R]
   * @param shared prefixes that the sequences attend to as well; needs a width of 1
   */
  record Input(
      KvCache target,
      int firstSlot,
      long[] ids,
      int width,
      int[] lengths,
      int[] positions,
      long[] wanted,
      float[] inverseTemperatures,
      Optional<SharedPrefixes> shared) {

    /**
     * Prefills prompts into empty slots side by side.
     *
     * @param wanted for each prompt, the tokens whose logits are wanted
     */
    public static Input ofPrompts(
        KvCache target, int firstSlot, List<int[]> prompts, List<int[]> wanted, float[] inverse) {
      int count = prompts.size();
      int[] lengths = prompts.stream().mapToInt(tokens -> tokens.length).toArray();
      int longest = Arrays.stream(lengths).max().orElseThrow();
      int width = leavesOneOver(longest) ? longest + 1 : longest;
      long[] ids = new long[count * width];
      LongStream.Builder indices = LongStream.builder();
      for (int i = 0; i < count; i++) {
        for (int t = 0; t < lengths[i]; t++) {
          ids[i * width + t] = prompts.get(i)[t];
        }
        for (int t : wanted.get(i)) {
          indices.add((long) i * width + t);
        }
      }
      return new Input(
          target,
          firstSlot,
          ids,
          width,
          lengths,
          new int[count],
          indices.build().toArray(),
          inverse,
          Optional.empty());
    }

    /**
     * Prefills one prompt from {@code start} on; the tokens before it are in the cache already.
     *
     * @param wanted tokens of the prompt whose logits are wanted, none before {@code start}
     */
    public static Input ofPrompt(
        KvCache target, int slot, int[] tokens, int start, int[] wanted, float inverse) {
      float[] inverses = new float[wanted.length];
      Arrays.fill(inverses, inverse);
      if (start == 0) {
        return ofPrompts(target, slot, List.of(tokens), List.of(wanted), inverses);
      }
      int from = leavesOneOver(tokens.length - start) ? start - 1 : start;
      long[] ids = IntStream.range(from, tokens.length).mapToLong(i -> tokens[i]).toArray();
      return new Input(
          target,
          slot,
          ids,
          ids.length,
          new int[] {tokens.length},
          new int[] {from},
          Arrays.stream(wanted).mapToLong(t -> t - from).toArray(),
          inverses,
          Optional.empty());
    }

    private static boolean leavesOneOver(int tokens) {
      return tokens > 1 && tokens % QUERY_TILE == 1;
    }
  }

  /**
   * Logits of a run [R, vocabulary]; overwritten by the next run. Read by any number of threads.
   */
  interface Logits {
    int vocabulary();

    float logit(int row, int token);

    /** ln p of a token at temperature 1. */
    double logProbability(int row, int token);

    void copyLogits(int row, float[] into);

    /** Copies the probabilities at the row's temperature. */
    void copyProbabilities(int row, float[] into);
  }
}
