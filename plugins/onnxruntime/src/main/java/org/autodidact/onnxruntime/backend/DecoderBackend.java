package org.autodidact.onnxruntime.backend;

/** A loaded decoder and the sessions that run it: whole ONNX graphs, or int8 with SIMD kernels. */
public interface DecoderBackend extends AutoCloseable {

  /** Texts a thread from which a session a thread prefills faster. */
  int PREFILLS_PER_THREAD = 4;

  int threads();

  /** Sequences a thread from which a session a thread decodes faster than one on all threads. */
  int sequencesPerThread();

  /** Sessions on which so many sequences decode fastest; results do not depend on it. */
  default int decodeSessions(int sequences) {
    return sequences >= sequencesPerThread() * threads() ? threads() : 1;
  }

  /** Sessions on which so many texts are prefilled fastest; results do not depend on it. */
  default int prefillSessions(int texts) {
    return texts >= PREFILLS_PER_THREAD * threads() ? threads() : 1;
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
