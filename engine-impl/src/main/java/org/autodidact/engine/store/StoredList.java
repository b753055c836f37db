package org.autodidact.engine.store;

import java.util.AbstractList;
import java.util.List;
import java.util.Objects;
import java.util.RandomAccess;

/**
 * A list that lies in the store and is read in portions. Who walks through it reads each portion
 * once; who jumps reads single elements. Thread-safe; usable while the store is open.
 */
final class StoredList<T> extends AbstractList<T> implements RandomAccess {
  private final int size;
  private final Reader<T> reader;
  private int first;
  private List<T> portion = List.of();

  /**
   * Reads the elements of a range, or the first of them, at least one; they lie in the list's
   * order.
   */
  interface Reader<T> {
    List<T> read(int from, int to);
  }

  StoredList(int size, Reader<T> reader) {
    this.size = size;
    this.reader = reader;
  }

  @Override
  public synchronized T get(int index) {
    Objects.checkIndex(index, size);
    int end = first + portion.size();
    if (index < first || index >= end) {
      boolean walks = index == 0 || index == end;
      portion = reader.read(index, Math.min(size, index + (walks ? PromptRange.PORTION : 1)));
      first = index;
    }
    return portion.get(index - first);
  }

  @Override
  public int size() {
    return size;
  }
}
