package org.autodidact.onnxruntime.backend;

/** A loaded decoder and the sessions that run it: whole ONNX graphs, or int8 with SIMD kernels. */
public interface DecoderBackend extends AutoCloseable {

  /**
   * Sessions, each on its own threads, on which so many sequences decode fastest. Results do not
   * depend on it.
   */
  int decodeSessions(int sequences);

  /** Sessions on which so many texts are prefilled fastest. */
  int prefillSessions(int texts);

  /** A session a thread where each gets {@code perThread} pieces of work, else one on all. */
  static int sessions(int pieces, int perThread, int threads) {
    return pieces >= perThread * threads ? threads : 1;
  }

  /** Loads what so many concurrent sessions need; to be called before {@link #session}. */
  void prepare(int sessions);

  DecoderSession session(int index);

  /** Sequences that decode together in one of {@code sessions}, at most. */
  int maxSlots(int sessions);

  /** Whether a run can attend to {@link SharedPrefixes} beside its own cache. */
  boolean sharesPrefixes();

  /** Bytes of KV cache that one token of one sequence takes in all layers. */
  long bytesPerToken();

  /** Bytes that KV caches may take at most, whatever the memory budget. */
  long maxCacheBytes();

  @Override
  void close();
}
