package org.autodidact.pytorch.data;

import java.util.Arrays;

/**
 * A packed micro-batch as attention by one kernel takes it. A sequence's queries are its own
 * tokens; its keys are these and, where its prompt stands before an earlier answer, that prompt's
 * once more. Queries lie in the micro-batch's order without a gap; keys lie sequence by sequence.
 * An answer without a token that is computed is no sequence here.
 *
 * @param queryLengths [sequences]
 * @param keyLengths [sequences]
 * @param queryStarts [sequences + 1]
 * @param keyStarts [sequences + 1]
 * @param keys [keys]: the token of each; empty, as all that follow, where no token is repeated
 * @param own [tokens]: of each token the key that is its own and no repetition
 * @param repetitions keys that repeat a token
 * @param repeated the token of each repetition
 */
public record AttentionIndex(
    long[] queryLengths,
    long[] keyLengths,
    long[] queryStarts,
    long[] keyStarts,
    long[] keys,
    long[] own,
    long[] repetitions,
    long[] repeated) {

  public static AttentionIndex of(PackedMicroBatch batch) {
    return of(batch.promptLengths(), batch.answerLengths());
  }

  /**
   * @param promptLengths of each example
   * @param answerLengths of each example's answers, as many of each
   */
  public static AttentionIndex of(long[] promptLengths, long[] answerLengths) {
    Builder builder = new Builder(promptLengths, answerLengths);
    int answersPerPrompt = answerLengths.length / promptLengths.length;
    int answer = 0;
    for (long promptLength : promptLengths) {
      int prompt = builder.token;
      builder.add(prompt, 0, Math.toIntExact(promptLength + answerLengths[answer++]));
      for (int i = 1; i < answersPerPrompt; i++) {
        builder.add(
            prompt, Math.toIntExact(promptLength), Math.toIntExact(answerLengths[answer++]));
      }
    }
    return builder.build();
  }

  private static final class Builder {
    private final long[] queryLengths;
    private final long[] keyLengths;
    private final long[] keys;
    private final long[] own;
    private final long[] repetitions;
    private final long[] repeated;
    private int sequences;
    private int token;
    private int key;
    private int repetition;

    Builder(long[] promptLengths, long[] answerLengths) {
      int most = answerLengths.length;
      int tokens =
          Math.toIntExact(Arrays.stream(promptLengths).sum() + Arrays.stream(answerLengths).sum());
      int again =
          Math.toIntExact(Arrays.stream(promptLengths).sum()) * (most / promptLengths.length - 1);
      queryLengths = new long[most];
      keyLengths = new long[most];
      keys = new long[tokens + again];
      own = new long[tokens];
      repetitions = new long[again];
      repeated = new long[again];
    }

    /** A sequence: tokens of an earlier one from {@code prompt} on, then new ones. */
    void add(int prompt, int again, int fresh) {
      if (fresh == 0) {
        return;
      }
      for (int i = 0; i < again; i++) {
        repetitions[repetition] = key;
        repeated[repetition++] = prompt + i;
        keys[key++] = prompt + i;
      }
      for (int i = 0; i < fresh; i++) {
        own[token] = key;
        keys[key++] = token++;
      }
      queryLengths[sequences] = fresh;
      keyLengths[sequences++] = again + fresh;
    }

    AttentionIndex build() {
      boolean plain = repetition == 0;
      long[] queries = Arrays.copyOf(queryLengths, sequences);
      long[] allKeys = Arrays.copyOf(keyLengths, sequences);
      return new AttentionIndex(
          queries,
          allKeys,
          starts(queries),
          starts(allKeys),
          plain ? new long[0] : Arrays.copyOf(keys, key),
          plain ? new long[0] : own,
          Arrays.copyOf(repetitions, repetition),
          Arrays.copyOf(repeated, repetition));
    }

    private static long[] starts(long... lengths) {
      long[] starts = new long[lengths.length + 1];
      for (int i = 0; i < lengths.length; i++) {
        starts[i + 1] = starts[i] + lengths[i];
      }
      return starts;
    }
  }
}
