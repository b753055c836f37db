package org.autodidact.engine.text;

import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.regex.Pattern;

/**
 * ROUGE-L (Lin, 2004) as Google's {@code rouge_score} counts it without a stemmer: lower case,
 * everything but a–z and 0–9 separates words; F1 of the longest common subsequence. Stateless.
 */
public final class RougeL {
  private static final Pattern SEPARATORS = Pattern.compile("[^a-z0-9]+");

  private RougeL() {}

  /** The words of a text; none for a text in another script. */
  public static List<String> words(String text) {
    return SEPARATORS
        .splitAsStream(text.toLowerCase(Locale.ROOT))
        .filter(w -> !w.isEmpty())
        .toList();
  }

  /** The F1 of two texts, in [0, 1]; 0 where one has no word. */
  public static double f1(String one, String other) {
    return f1(words(one), words(other));
  }

  /** The F1 of two lists of words. */
  public static double f1(List<String> one, List<String> other) {
    Map<String, Integer> ids = new HashMap<>();
    return f1(ids(one, ids), ids(other, ids));
  }

  private static int[] ids(List<String> words, Map<String, Integer> ids) {
    return words.stream().mapToInt(w -> ids.computeIfAbsent(w, x -> ids.size())).toArray();
  }

  /** The F1 of two lists of words that are named by numbers. */
  static double f1(int[] one, int[] other) {
    return one.length == 0 || other.length == 0
        ? 0
        : f1(longestCommonSubsequence(one, other), one.length, other.length);
  }

  /**
   * 2PR / (P + R) in the order of rouge_score's own operations, so that a threshold decides the
   * same.
   */
  static double f1(int common, int one, int other) {
    double precision = common / (double) one;
    double recall = common / (double) other;
    return precision + recall > 0 ? 2 * precision * recall / (precision + recall) : 0;
  }

  /**
   * The length of the longest common subsequence, 64 words at a time (Hyyrö, 2004): a zero bit of
   * {@code row} says that the length grows at that word of {@code one}.
   */
  static int longestCommonSubsequence(int[] one, int[] other) {
    int blocks = (one.length + 63) / 64;
    Map<Integer, long[]> positions = new HashMap<>();
    for (int i = 0; i < one.length; i++) {
      positions.computeIfAbsent(one[i], w -> new long[blocks])[i / 64] |= 1L << i;
    }
    long[] row = new long[blocks];
    java.util.Arrays.fill(row, -1L);
    for (int word : other) {
      long[] matches = positions.get(word);
      if (matches != null) {
        boolean carry = false;
        for (int b = 0; b < blocks; b++) {
          long u = row[b] & matches[b];
          long sum = row[b] + u;
          boolean overflow = Long.compareUnsigned(sum, row[b]) < 0;
          if (carry) {
            sum++;
            overflow |= sum == 0;
          }
          carry = overflow;
          row[b] = sum | (row[b] & ~matches[b]);
        }
      }
    }
    int length = 0;
    for (int b = 0; b < blocks; b++) {
      int bits = Math.min(64, one.length - 64 * b);
      long used = bits == 64 ? -1L : (1L << bits) - 1;
      length += Long.bitCount(~row[b] & used);
    }
    return length;
  }
}
