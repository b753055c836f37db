package org.autodidact.onnxruntime.vector;

import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.DecoderBackend;
import org.autodidact.onnxruntime.quantization.Calibration;
import org.autodidact.onnxruntime.quantization.Int8Weights;

/**
 * Runs a {@link VectorWeights}. Few rows are computed by all threads together, so that each reads a
 * part of the weights only; many by each thread apart, so that none waits for another.
 */
public final class VectorBackend implements DecoderBackend {
  /**
   * Rows and texts from which a thread does best without the others. On 2 cores with AVX2, 64 rows
   * decode 1.15 times as fast apart, 32 rows 1.2 times, 16 about as fast; texts are read 1.35 times
   * as fast.
   */
  private static final int ROWS_OF_A_THREAD = 16;

  private static final int TEXTS_OF_A_THREAD = 4;

  private final ModelConfig config;
  private final VectorWeights decoder;
  private final ThreadTeam team;
  private final VectorSession together;
  private final List<VectorSession> apart = new ArrayList<>();
  private boolean isApart;

  /**
   * {@code weights} must outlive this.
   *
   * @param positions tokens of the longest sequence
   */
  public VectorBackend(ModelConfig config, Int8Weights weights, int threads, int positions) {
    this.config = config;
    this.decoder = new VectorWeights(config, weights, threads, positions);
    this.team = new ThreadTeam(threads);
    try {
      this.together = new VectorSession(decoder, team);
    } catch (RuntimeException | Error e) {
      team.close();
      decoder.close();
      throw e;
    }
  }

  /** What weights that were rounded without knowing it let be seen; takes their matrices. */
  public static Calibration calibrate(
      ModelFolder model, Int8Weights weights, int threads, int positions) {
    try (VectorBackend engine = new VectorBackend(model.config(), weights, threads, positions)) {
      return Calibration.of(model, engine.together, weights.opening());
    }
  }

  @Override
  public int splitDecoding(int rows) {
    return DecoderBackend.split(rows, ROWS_OF_A_THREAD, team.size());
  }

  @Override
  public int splitReading(int texts) {
    return DecoderBackend.split(texts, TEXTS_OF_A_THREAD, team.size());
  }

  /** What the other streams have kept goes: the budget of memory is that of these. */
  @Override
  public void prepare(int streams) {
    isApart = streams > 1;
    while (isApart && apart.size() < streams) {
      apart.add(new VectorSession(decoder, new ThreadTeam(1)));
    }
    (isApart ? List.of(together) : apart).forEach(VectorSession::forget);
  }

  @Override
  public VectorSession stream(int index) {
    return isApart ? apart.get(index) : together;
  }

  @Override
  public int mostRows(int streams) {
    return VectorSession.ROWS * team.size() / streams;
  }

  @Override
  public boolean sharesPrefixes() {
    return true;
  }

  @Override
  public long bytesPerPlace() {
    return Int8KvCache.bytesPerPlace(config);
  }

  /** Half of the heap, where they lie. */
  @Override
  public long roomForCaches() {
    return Runtime.getRuntime().maxMemory() / 2;
  }

  @Override
  public void close() {
    team.close();
    try {
      decoder.close();
    } finally {
      together.close();
      apart.forEach(VectorSession::close);
    }
  }
}
