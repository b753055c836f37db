package org.autodidact.gpu.decode;

import static org.autodidact.onnxruntime.batching.AdmissionQueue.commonPrefix;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;

/**
 * Texts that are prefilled in one run, as rows: one for each token that is computed, so that what
 * texts begin with alike is computed once.
 */
final class PrefillPass {
  /**
   * A text.
   *
   * @param firstWanted the token from which on its continuations are scored, to the end; its length
   *     where none are
   * @param continuations the tokens that are scored, each as many as are wanted
   */
  record Text(int[] tokens, int firstWanted, List<int[]> continuations) {
    /** A text of which only keys and values are wanted. */
    static Text unscored(int[] tokens) {
      return new Text(tokens, tokens.length, List.of());
    }

    int wantedCount() {
      return tokens.length - firstWanted;
    }
  }

  /**
   * What bounds the memory of a run.
   *
   * @param rows tokens that are computed
   * @param places tokens of attention's input, where texts are padded to the longest
   * @param wanted rows with logits, each as long as the vocabulary
   * @param texts as many
   */
  record Limits(int rows, int places, int wanted, int texts) {}

  /** Tokens that two texts begin alike with, from which they follow one another (not measured). */
  private static final int MIN_SHARED_TOKENS = 8;

  private final int[] kept;
  private final Limits limits;
  private final List<Integer> texts = new ArrayList<>();
  private final List<int[]> rows = new ArrayList<>();
  private final List<Integer> ids = new ArrayList<>();
  private final List<int[]> places = new ArrayList<>();
  private int[] lastText;
  private int[] lastRows;
  private int width;
  private int wanted;

  private PrefillPass(int[] kept, Limits limits) {
    this.kept = kept;
    this.limits = limits;
    this.lastText = kept;
    this.lastRows = new int[kept.length];
    Arrays.setAll(lastRows, t -> t);
  }

  /**
   * Passes that have all texts. Those that begin alike beyond what all do follow one another; the
   * others are in the order of their lengths, so that attention's input has little padding.
   *
   * @param kept tokens whose rows are there already; all texts begin with them and go on, and
   *     nothing of them is wanted
   */
  static List<PrefillPass> of(List<Text> texts, int[] kept, Limits limits) {
    List<PrefillPass> passes = new ArrayList<>();
    if (texts.isEmpty()) {
      return passes;
    }
    for (int index : order(texts)) {
      boolean added =
          !passes.isEmpty() && passes.get(passes.size() - 1).add(index, texts.get(index));
      if (!added) {
        passes.add(new PrefillPass(kept, limits));
        passes.get(passes.size() - 1).add(index, texts.get(index));
      }
    }
    return passes;
  }

  private static List<Integer> order(List<Text> texts) {
    List<Integer> sorted = new ArrayList<>();
    for (int i = 0; i < texts.size(); i++) {
      sorted.add(i);
    }
    sorted.sort((a, b) -> Arrays.compare(texts.get(a).tokens(), texts.get(b).tokens()));
    int[] first = texts.get(sorted.get(0)).tokens();
    int ofAll = commonPrefix(first, texts.get(sorted.get(sorted.size() - 1)).tokens());
    List<List<Integer>> clusters = new ArrayList<>();
    int[] previous = new int[0];
    for (int index : sorted) {
      int[] tokens = texts.get(index).tokens();
      if (clusters.isEmpty() || commonPrefix(previous, tokens) < ofAll + MIN_SHARED_TOKENS) {
        clusters.add(new ArrayList<>());
      }
      clusters.get(clusters.size() - 1).add(index);
      previous = tokens;
    }
    clusters.sort(
        Comparator.comparingInt(
                (List<Integer> c) ->
                    c.stream().mapToInt(i -> texts.get(i).tokens().length).max().orElseThrow())
            .reversed());
    return clusters.stream().flatMap(List::stream).toList();
  }

  /** Adds a text; whether there was room. A first one always has. */
  private boolean add(int index, Text text) {
    int[] tokens = text.tokens();
    if (commonPrefix(kept, tokens) < kept.length || text.firstWanted() <= kept.length - 1) {
      throw new IllegalArgumentException("a text does not begin with what is kept");
    }
    // Of a text that another one begins with, the last token is computed again.
    int shared = Math.min(commonPrefix(lastText, tokens), tokens.length - 1);
    int widest = Math.max(width, tokens.length);
    if (!texts.isEmpty()
        && (isLong()
            || texts.size() == limits.texts()
            || ids.size() + tokens.length - shared > limits.rows()
            || (texts.size() + 1L) * widest > limits.places()
            || wanted + text.wantedCount() > limits.wanted())) {
      return false;
    }
    int[] found = Arrays.copyOf(lastRows, tokens.length);
    for (int t = shared; t < tokens.length; t++) {
      found[t] = kept.length + ids.size();
      ids.add(tokens[t]);
      places.add(new int[] {texts.size(), t});
    }
    texts.add(index);
    rows.add(found);
    lastText = tokens;
    lastRows = found;
    width = widest;
    wanted += text.wantedCount();
    return true;
  }

  /** Whether it is one text that is too long for a run, and is prefilled in pieces. */
  boolean isLong() {
    return texts.size() == 1 && (ids.size() > limits.rows() || wanted > limits.wanted());
  }

  /** The texts, as indices into the list that it was made of. */
  List<Integer> texts() {
    return texts;
  }

  /** Tokens of the longest text. */
  int width() {
    return width;
  }

  /** Rows that are computed. */
  int computed() {
    return ids.size();
  }

  /** The row of this run that a text's token is. */
  int row(int text, int token) {
    return rows.get(text)[token] - kept.length;
  }

  /** The computed tokens. */
  long[] ids() {
    return ids.stream().mapToLong(i -> i).toArray();
  }

  /** The row of each token of each text, [texts, width]; padding is any row. */
  long[] sequences() {
    long[] found = new long[texts.size() * width];
    for (int text = 0; text < rows.size(); text++) {
      int[] of = rows.get(text);
      for (int t = 0; t < width; t++) {
        found[text * width + t] = of[Math.min(t, of.length - 1)];
      }
    }
    return found;
  }

  /** The index into [texts, width] of each computed token. */
  long[] places() {
    return places.stream().mapToLong(p -> (long) p[0] * width + p[1]).toArray();
  }
}
