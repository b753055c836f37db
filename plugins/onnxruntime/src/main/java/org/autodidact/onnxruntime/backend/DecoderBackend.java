package org.autodidact.onnxruntime.backend;

/** A loaded decoder, and the streams of the threads that run it. */
public interface DecoderBackend extends AutoCloseable {

  /**
   * On how many threads, apart from each other, some rows decode best; what they come to does not
   * depend on it.
   */
  int splitDecoding(int rows);

  /** The same of texts that are read. */
  int splitReading(int texts);

  /** All threads apart where there are so many pieces for each, else one with the others' help. */
  static int split(int pieces, int ofThread, int threads) {
    return pieces >= ofThread * threads ? threads : 1;
  }

  /** Makes ready for that many streams at a time; before {@link #stream}. */
  void prepare(int streams);

  /** The memory of the {@code index}th thread. */
  DecoderSession stream(int index);

  /** Rows that decode together in one of some streams at most; more gain little on a CPU. */
  int mostRows(int streams);

  /** Whether a run can attend to {@link SharedPrefixes} beside its own cache. */
  boolean sharesPrefixes();

  /** Bytes of cache that one token of one row takes. */
  long bytesPerPlace();

  /** Bytes that caches may take at most, whatever the budget is. */
  long roomForCaches();

  @Override
  void close();
}
