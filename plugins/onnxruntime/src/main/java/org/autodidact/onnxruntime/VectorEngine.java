package org.autodidact.onnxruntime;

import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;

/**
 * Runs a {@link VectorDecoder}. Few rows are computed by all threads together, so that each reads a
 * part of the weights only; many by each thread apart, so that none waits for another.
 */
final class VectorEngine implements Engine {
  /**
   * Rows and texts from which a thread does best without the others. On 2 cores with AVX2, 64 rows
   * decode 1.15 times as fast apart, 32 rows 1.2 times, 16 about as fast; texts are read 1.35 times
   * as fast.
   */
  private static final int ROWS_OF_A_THREAD = 16;

  private static final int TEXTS_OF_A_THREAD = 4;

  private final ModelConfig config;
  private final VectorDecoder decoder;
  private final Team team;
  private final VectorStream together;
  private final List<VectorStream> apart = new ArrayList<>();
  private boolean isApart;

  /**
   * {@code weights} must outlive this.
   *
   * @param positions tokens of the longest sequence
   */
  VectorEngine(ModelConfig config, Int8Weights weights, int threads, int positions) {
    this.config = config;
    this.decoder = new VectorDecoder(config, weights, threads, positions);
    this.team = new Team(threads);
    try {
      this.together = new VectorStream(decoder, team);
    } catch (RuntimeException | Error e) {
      team.close();
      decoder.close();
      throw e;
    }
  }

  /** What weights that were rounded without knowing it let be seen; takes their matrices. */
  static Calibration calibrate(ModelFolder model, Int8Weights weights, int threads, int positions) {
    try (VectorEngine engine = new VectorEngine(model.config(), weights, threads, positions)) {
      return Calibration.of(model, engine.together, weights.opening());
    }
  }

  @Override
  public int splitDecoding(int rows) {
    return Engine.split(rows, ROWS_OF_A_THREAD, team.size());
  }

  @Override
  public int splitReading(int texts) {
    return Engine.split(texts, TEXTS_OF_A_THREAD, team.size());
  }

  /** What the other streams have kept goes: the budget of memory is that of these. */
  @Override
  public void prepare(int streams) {
    isApart = streams > 1;
    while (isApart && apart.size() < streams) {
      apart.add(new VectorStream(decoder, new Team(1)));
    }
    (isApart ? List.of(together) : apart).forEach(VectorStream::forget);
  }

  @Override
  public VectorStream stream(int index) {
    return isApart ? apart.get(index) : together;
  }

  @Override
  public int mostRows(int streams) {
    return VectorStream.ROWS * team.size() / streams;
  }

  @Override
  public boolean sharesPrefixes() {
    return true;
  }

  @Override
  public long bytesPerPlace() {
    return ByteCache.bytesPerPlace(config);
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
      apart.forEach(VectorStream::close);
    }
  }
}
