package org.autodidact.onnxruntime.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.DecoderBackend;
import org.autodidact.onnxruntime.quantization.QuantizedWeights;

/**
 * Decoder as whole graphs in ONNX Runtime, float32 or quantized: many sequences by a session a
 * thread, few by one session on all threads.
 */
public final class GraphBackend implements DecoderBackend {
  /** Sequences of a session, at most: more gain little on a CPU (not measured). */
  private static final int MAX_SLOTS = 64;

  /** Sequences a thread from which a session a thread is faster (not measured). */
  private static final int SEQUENCES_PER_THREAD = 12;

  private final ModelFolder model;
  private final Optional<QuantizedWeights> quantized;
  private final boolean sharesPrefixes;
  private final int threads;
  private final int positions;
  private final List<GraphSession> sessions = new ArrayList<>();
  private OrtDecoder decoder;

  /** Threads of the loaded decoder; 0 where none is loaded. */
  private int decoderThreads;

  /**
   * {@code model} and {@code quantized} must outlive this.
   *
   * @param positions tokens of the longest sequence
   */
  public GraphBackend(
      ModelFolder model,
      Optional<QuantizedWeights> quantized,
      int threads,
      boolean sharesPrefixes,
      int positions) {
    this.model = model;
    this.quantized = quantized;
    this.threads = threads;
    this.sharesPrefixes = sharesPrefixes;
    this.positions = positions;
    this.decoderThreads = threads;
    this.decoder = new OrtDecoder(model, threads, quantized, sharesPrefixes, positions);
  }

  @Override
  public int threads() {
    return threads;
  }

  @Override
  public int sequencesPerThread() {
    return SEQUENCES_PER_THREAD;
  }

  @Override
  public void prepare(int count) {
    int perSession = count == 1 ? threads : 1;
    if (perSession != decoderThreads) {
      // Closed first, so that the weights are never in memory twice; if loading fails, the next
      // call loads again.
      decoderThreads = 0;
      decoder.close();
      decoder = new OrtDecoder(model, perSession, quantized, sharesPrefixes, positions);
      decoderThreads = perSession;
      sessions.forEach(session -> session.use(decoder, perSession > 1));
    }
  }

  @Override
  public GraphSession session(int index) {
    while (sessions.size() <= index) {
      sessions.add(new GraphSession(decoder, decoderThreads > 1));
    }
    return sessions.get(index);
  }

  @Override
  public int maxSlots(int count) {
    return MAX_SLOTS;
  }

  @Override
  public boolean sharesPrefixes() {
    return sharesPrefixes;
  }

  @Override
  public long bytesPerToken() {
    return FloatKvCache.bytesPerToken(model.config());
  }

  @Override
  public long maxCacheBytes() {
    return Long.MAX_VALUE;
  }

  @Override
  public void close() {
    try {
      decoder.close();
    } finally {
      sessions.forEach(GraphSession::close);
    }
  }
}
