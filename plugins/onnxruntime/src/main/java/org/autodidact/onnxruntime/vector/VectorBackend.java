package org.autodidact.onnxruntime.vector;

import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.DecoderBackend;
import org.autodidact.onnxruntime.quantization.Calibration;
import org.autodidact.onnxruntime.quantization.Int8Source;

/**
 * Int8 weights with the JVM's Vector API. Few sequences are computed by one session on all threads,
 * so that each thread reads a part of the weights only; many by a session a thread, so that none
 * waits for another.
 */
public final class VectorBackend implements DecoderBackend {
  /**
   * Sequences a thread from which a session a thread is faster. On 2 cores with AVX2, 64 sequences
   * decode 1.15 times as fast so, 32 sequences 1.2 times, 16 about as fast. Texts are prefilled
   * 1.35 times as fast ({@link #PREFILLS_PER_THREAD}).
   */
  private static final int SEQUENCES_PER_THREAD = 16;

  private final ModelConfig config;
  private final VectorWeights weights;
  private final ThreadTeam team;
  private final VectorSession allThreads;
  private final List<VectorSession> threadSessions = new ArrayList<>();
  private boolean isPerThread;

  /**
   * Takes all matrices of a source.
   *
   * @param positions tokens of the longest sequence
   */
  public VectorBackend(ModelConfig config, Int8Source source, int threads, int positions) {
    this.config = config;
    this.weights = new VectorWeights(config, source, threads, positions);
    this.team = new ThreadTeam(threads);
    try {
      this.allThreads = new VectorSession(weights, team);
    } catch (RuntimeException | Error e) {
      team.close();
      weights.close();
      throw e;
    }
  }

  /** Statistics of the activations of weights that are quantized without any. */
  public static Calibration calibrate(
      ModelFolder model, Int8Source source, int threads, int positions) {
    try (VectorBackend backend = new VectorBackend(model.config(), source, threads, positions)) {
      return Calibration.of(model, backend.allThreads, source.opening());
    }
  }

  @Override
  public int threads() {
    return team.size();
  }

  @Override
  public int sequencesPerThread() {
    return SEQUENCES_PER_THREAD;
  }

  /** Frees the caches of the other sessions, as the memory budget is for these. */
  @Override
  public void prepare(int sessions) {
    isPerThread = sessions > 1;
    while (isPerThread && threadSessions.size() < sessions) {
      threadSessions.add(new VectorSession(weights, new ThreadTeam(1)));
    }
    (isPerThread ? List.of(allThreads) : threadSessions)
        .forEach(session -> session.caches().close());
  }

  @Override
  public VectorSession session(int index) {
    return isPerThread ? threadSessions.get(index) : allThreads;
  }

  @Override
  public int maxSlots(int sessions) {
    return VectorSession.TILE_PER_THREAD * team.size() / sessions;
  }

  @Override
  public boolean sharesPrefixes() {
    return true;
  }

  @Override
  public long bytesPerToken() {
    return Int8KvCache.bytesPerToken(config);
  }

  /** Half of the heap, which the caches are in. */
  @Override
  public long maxCacheBytes() {
    return Runtime.getRuntime().maxMemory() / 2;
  }

  @Override
  public void close() {
    team.close();
    try {
      weights.close();
    } finally {
      allThreads.close();
      threadSessions.forEach(VectorSession::close);
    }
  }
}
