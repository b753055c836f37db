package org.autodidact.checkpoints.jinja;

/**
 * What one rendering may use. Counts are deterministic, unlike a clock: the same template and
 * conversation are refused everywhere or nowhere. The limits keep a hostile template below a second
 * and 64 MB and are far above what templates need (the largest of TRL's takes some 10,000 steps for
 * ten messages).
 */
final class Budget {
  /** Evaluated nodes; some 20 ns each. */
  private static final long STEPS = 5_000_000;

  /** Bytes of all texts and lists made, also of those that are garbage by now. */
  private static final long BYTES = 48L << 20;

  /** Nested evaluations: expressions, blocks, macros. */
  private static final int DEPTH = 400;

  private final long steps;
  private final long bytes;
  private long usedSteps;
  private long usedBytes;
  private int depth;

  /**
   * @param given characters of the conversation, which raise the limits: each may be looked at and
   *     copied some times
   */
  Budget(long given) {
    this.steps = STEPS + 16 * given;
    this.bytes = BYTES + 16 * given;
  }

  void step() {
    if (++usedSteps > steps) {
      throw new JinjaException("the template takes more than " + steps + " steps; does it loop?");
    }
  }

  /** Work that looks at so many characters or elements. */
  void scan(long count) {
    usedSteps += count >> 4;
    step();
  }

  /** Work that looks for a text in another, which may compare all of both at each place. */
  void search(String text, String part) {
    scan((long) text.length() * (1 + part.length() / 4));
  }

  /** Work that makes a text of so many characters. */
  void text(long characters) {
    allocate(2 * characters);
  }

  /** Work that makes a collection of so many elements. */
  void elements(long count) {
    allocate(16 * count);
  }

  private void allocate(long count) {
    usedBytes += count;
    if (count < 0 || usedBytes > bytes) {
      throw new JinjaException(
          "the template makes texts and lists of more than " + (bytes >> 20) + " MB");
    }
    scan(count);
  }

  void enter() {
    if (++depth > DEPTH) {
      throw new JinjaException("the template nests deeper than " + DEPTH + " levels");
    }
  }

  void leave() {
    depth--;
  }
}
