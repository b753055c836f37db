package org.autodidact.onnxruntime.backend;

/**
 * Keys and values of the tokens of some rows. The memory is kept and laid out anew from call to
 * call; it grows where a call needs more. Not thread-safe.
 */
public interface KvCache extends AutoCloseable {

  /** Lays the cache out as {@code rows} × {@code places}; what it held is lost. */
  void layOut(int rows, int places);

  int rows();

  /** Tokens that a row has room for. */
  int places();

  /** Copies {@code length} places of a row, from the {@code from}th on, to the start of a row. */
  void copyRow(int row, int from, KvCache target, int to, int length);

  /** Copies the first {@code length} places of a row to a row of another cache or of this one. */
  default void copyRow(int row, KvCache target, int to, int length) {
    copyRow(row, 0, target, to, length);
  }

  /**
   * Gives each row more or fewer places; the first {@code used} rows keep what they hold, as far as
   * it has a place. There must be memory for all rows.
   */
  void setPlaces(int newPlaces, int used);

  @Override
  void close();
}
