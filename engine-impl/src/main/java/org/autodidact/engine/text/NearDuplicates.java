package org.autodidact.engine.text;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/**
 * An index of texts that finds near-duplicates: whether a new text has a ROUGE-L F1 above a
 * threshold with any that was added, without comparing it with all of them. The answer is exact.
 *
 * <p>F1 above t means a common subsequence, and so so many common words, of more than t (|a| + |b|)
 * / 2. Ordered from the rarest word on, two texts with c words in common share one among the first
 * |a| − c + 1 of the one and the first |b| − c + 1 of the other (prefix filter: Chaudhuri et al.,
 * 2006; with positions: Xiao et al., 2008, PPJoin). Only texts found by such a word are compared.
 * The order is made anew whenever the number of texts has doubled.
 */
public final class NearDuplicates {
  private static final int[] NONE = {};

  private final double threshold;
  private final List<String> texts = new ArrayList<>();
  private final List<int[]> words = new ArrayList<>();
  private final List<int[]> sorted = new ArrayList<>();
  private final Map<String, Integer> wordIds = new HashMap<>();
  private final Map<Long, Integer> elementIds = new HashMap<>();
  private int[] rank = NONE;
  private Postings[] postings = {};
  private int rebuiltAt;
  private int[] lookedAt = new int[64];
  private int looks;
  private long compared;

  /** An empty index; a near-duplicate has an F1 above {@code threshold}, in [0, 1]. */
  public NearDuplicates(double threshold) {
    if (!(threshold >= 0 && threshold <= 1)) {
      throw new IllegalArgumentException("threshold " + threshold);
    }
    this.threshold = threshold;
  }

  public int size() {
    return texts.size();
  }

  /** The number of pairs whose common subsequence was computed, for measurements. */
  public long compared() {
    return compared;
  }

  /** The earliest added text that is a near-duplicate of this one. */
  public Optional<String> nearDuplicate(String text) {
    int[] asked = words(text);
    int found = find(asked, order(elements(asked)));
    return found < 0 ? Optional.empty() : Optional.of(texts.get(found));
  }

  /** Adds a text. A text without words is a near-duplicate of none. */
  public void add(String text) {
    int[] added = words(text);
    texts.add(text);
    words.add(added);
    if (texts.size() > lookedAt.length) {
      lookedAt = Arrays.copyOf(lookedAt, 2 * lookedAt.length);
    }
    sorted.add(order(elements(added)));
    if (texts.size() >= 2 * rebuiltAt + 64) {
      rebuild();
    } else {
      index(texts.size() - 1);
    }
  }

  private int[] words(String text) {
    return RougeL.words(text).stream()
        .mapToInt(w -> wordIds.computeIfAbsent(w, x -> wordIds.size()))
        .toArray();
  }

  /** Words as a set: the k-th occurrence of a word is an element of its own. */
  private int[] elements(int[] ids) {
    Map<Integer, Integer> seen = new HashMap<>();
    int[] elements = new int[ids.length];
    for (int i = 0; i < ids.length; i++) {
      int occurrence = seen.merge(ids[i], 1, Integer::sum);
      elements[i] =
          elementIds.computeIfAbsent(((long) occurrence << 32) | ids[i], x -> elementIds.size());
    }
    return elements;
  }

  /** From the rarest on; elements that no text had at the last rebuild come first. */
  private int[] order(int[] elements) {
    long[] keys = new long[elements.length];
    for (int i = 0; i < keys.length; i++) {
      keys[i] = ((long) rank(elements[i]) << 32) | elements[i];
    }
    Arrays.sort(keys);
    int[] ordered = new int[keys.length];
    for (int i = 0; i < keys.length; i++) {
      ordered[i] = (int) keys[i];
    }
    return ordered;
  }

  private int rank(int element) {
    return element < rank.length ? rank[element] : 0;
  }

  private void rebuild() {
    int[] counts = new int[elementIds.size()];
    sorted.forEach(elements -> Arrays.stream(elements).forEach(e -> counts[e]++));
    rank = counts;
    postings = new Postings[counts.length];
    for (int i = 0; i < texts.size(); i++) {
      sorted.set(i, order(sorted.get(i)));
      index(i);
    }
    rebuiltAt = texts.size();
  }

  private void index(int text) {
    int[] elements = sorted.get(text);
    int prefix = prefix(elements.length);
    for (int i = 0; i < prefix; i++) {
      int element = elements[i];
      if (element >= postings.length) {
        postings = Arrays.copyOf(postings, Math.max(element + 1, postings.length * 3 / 2));
      }
      if (postings[element] == null) {
        postings[element] = new Postings();
      }
      postings[element].add(text, elements.length, i);
    }
  }

  private int find(int[] asked, int[] elements) {
    int best = -1;
    int length = elements.length;
    int prefix = prefix(length);
    looks++;
    for (int i = 0; i < prefix; i++) {
      int element = elements[i];
      Postings list = element < postings.length ? postings[element] : null;
      int longest = list == null ? 0 : list.byLength.length - 1;
      for (int other = 1; other <= longest; other++) {
        int needed = needed(length, other);
        if (needed > length - i) {
          break; // the longer the other, the more is needed, and so little is left
        }
        Bucket bucket = list.byLength[other];
        if (bucket != null && needed <= other) {
          for (int k = 0; k < bucket.size; k++) {
            int text = bucket.texts[k];
            if (bucket.positions[k] <= other - needed
                && lookedAt[text] != looks
                && (best < 0 || text < best)) {
              lookedAt[text] = looks;
              best = nearDuplicate(asked, elements, text, needed) ? text : best;
            }
          }
        }
      }
    }
    return best;
  }

  private boolean nearDuplicate(int[] asked, int[] elements, int text, int needed) {
    if (common(elements, sorted.get(text)) < needed) {
      return false;
    }
    compared++;
    int[] other = words.get(text);
    return RougeL.f1(RougeL.longestCommonSubsequence(asked, other), asked.length, other.length)
        > threshold;
  }

  /** Elements in both; each list is ordered by rank, then by element. */
  private int common(int[] one, int[] other) {
    int count = 0;
    int i = 0;
    int j = 0;
    while (i < one.length && j < other.length) {
      if (one[i] == other[j]) {
        count++;
        i++;
        j++;
      } else if (before(one[i], other[j])) {
        i++;
      } else {
        j++;
      }
    }
    return count;
  }

  private boolean before(int one, int other) {
    int difference = Integer.compare(rank(one), rank(other));
    return difference < 0 || (difference == 0 && one < other);
  }

  /**
   * The fewest common words with which two texts of these lengths can be near-duplicates: 2 c /
   * (|a| + |b|) above the threshold, with room for rounding; {@link #nearDuplicate(int[], int[],
   * int, int)} decides.
   */
  private int needed(int one, int other) {
    return Math.max(1, (int) Math.ceil(threshold * (one + other) / 2 - 1e-9));
  }

  /**
   * The length of the prefix of a text's elements in which a near-duplicate must have one (prefix
   * filter).
   */
  private int prefix(int length) {
    for (int shortest = 1; shortest <= length; shortest++) {
      int needed = needed(length, shortest);
      if (needed <= shortest) {
        return length - needed + 1;
      }
    }
    return 0;
  }

  /** The texts that have an element among their first, by their length. */
  private static final class Postings {
    private Bucket[] byLength = {};

    void add(int text, int length, int position) {
      if (length >= byLength.length) {
        byLength = Arrays.copyOf(byLength, length + 1);
      }
      if (byLength[length] == null) {
        byLength[length] = new Bucket();
      }
      byLength[length].add(text, position);
    }
  }

  /** Texts of one length that have an element, and its position in each. */
  private static final class Bucket {
    private int[] texts = new int[2];
    private int[] positions = new int[2];
    private int size;

    void add(int text, int position) {
      if (size == texts.length) {
        texts = Arrays.copyOf(texts, 2 * size);
        positions = Arrays.copyOf(positions, 2 * size);
      }
      texts[size] = text;
      positions[size++] = position;
    }
  }
}
