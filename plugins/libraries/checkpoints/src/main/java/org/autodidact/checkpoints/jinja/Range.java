package org.autodidact.checkpoints.jinja;

import java.util.AbstractList;

/** Python's range. The sandbox allows 100,000 elements, as Jinja's does. */
final class Range extends AbstractList<Object> {
  private static final long LONGEST = 100_000;

  final long start;
  final long stop;
  final long step;
  private final int size;

  Range(long start, long stop, long step) {
    if (step == 0) {
      throw new JinjaException("range() step must not be zero");
    }
    this.start = start;
    this.stop = stop;
    this.step = step;
    double count = Math.ceil(((double) stop - start) / step);
    if (count > LONGEST) {
      throw new JinjaException(
          "range of more than " + LONGEST + " elements; Jinja's sandbox allows no more");
    }
    this.size = (int) Math.max(0, count);
  }

  @Override
  public Object get(int index) {
    java.util.Objects.checkIndex(index, size);
    return start + index * step;
  }

  @Override
  public int size() {
    return size;
  }
}
