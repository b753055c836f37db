package org.autodidact.checkpoints.tokenizer;

import java.util.Arrays;

/**
 * The text of tokens that come one after another. After each it is what {@link
 * PromptEncoder#decode} makes of all of them, but only the last few are decoded: behind a context
 * of tokens whose text stands already, as a token's text depends on what is before it (a character
 * may be cut over tokens, the first token loses its space). One thread.
 */
public final class IncrementalDecoder {
  /** What stands for bytes that are no character, or none yet. */
  private static final char REPLACEMENT = '\uFFFD';

  private final PromptEncoder encoder;
  private final StringBuilder text = new StringBuilder();
  private int[] tokens = new int[16];
  private int count;

  /** The first token of the context, and what the context alone is decoded to. */
  private int from;

  private String context = "";

  /** Characters that later tokens cannot change, and how many there were before the last token. */
  private int settled;

  private int unchanged;

  /** A decoder of a checkpoint's tokens that has seen none yet. */
  public IncrementalDecoder(PromptEncoder encoder) {
    this.encoder = encoder;
  }

  /** Takes one more token. */
  public void add(int token) {
    if (count == tokens.length) {
      tokens = Arrays.copyOf(tokens, 2 * count);
    }
    tokens[count++] = token;
    String window = decode(from);
    unchanged = settled;
    if (window.startsWith(context)) {
      text.setLength(settled);
      text.append(window, context.length(), window.length());
    } else {
      String whole = decode(0);
      unchanged = Math.min(settled, common(whole));
      text.setLength(0);
      text.append(whole);
      from = 0;
      context = "";
      settled = 0;
      window = whole;
    }
    if (text.length() == 0 || text.charAt(text.length() - 1) != REPLACEMENT) {
      settle(window);
    }
  }

  /** Takes the shortest context whose text stands at the end of the whole. */
  private void settle(String window) {
    settled = text.length();
    for (int start = count - 1; start > from; start--) {
      String alone = decode(start);
      if (!alone.isEmpty() && endsWith(alone)) {
        from = start;
        context = alone;
        return;
      }
    }
    context = window;
  }

  private boolean endsWith(String end) {
    int at = text.length() - end.length();
    return at >= 0 && text.indexOf(end, at) == at;
  }

  private int common(String other) {
    int same = 0;
    while (same < Math.min(text.length(), other.length())
        && text.charAt(same) == other.charAt(same)) {
      same++;
    }
    return same;
  }

  private String decode(int start) {
    return encoder.decode(Arrays.copyOfRange(tokens, start, count));
  }

  /**
   * Where {@code part} first stands, if the last token brought it; −1 where it did not. What stood
   * there before is not looked at again.
   */
  public int indexOf(String part) {
    return text.indexOf(part, Math.max(0, unchanged - part.length() + 1));
  }

  /** The first {@code length} characters. */
  public String substring(int length) {
    return text.substring(0, length);
  }

  @Override
  public String toString() {
    return text.toString();
  }
}
