package org.autodidact.onnxruntime;

import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;

/** All threads compute all rows together, with a {@link VectorDecoder}. */
final class VectorEngine implements Engine {
  private final ModelConfig config;
  private final VectorDecoder decoder;
  private final Team team;
  private final VectorStream stream;

  /** {@code weights} must outlive this. */
  VectorEngine(ModelConfig config, Int8Weights weights, int threads) {
    this.config = config;
    this.decoder = new VectorDecoder(config, weights, threads);
    this.team = new Team(threads);
    this.stream = new VectorStream(decoder, team);
  }

  /** What weights that were rounded without knowing it let be seen; takes their matrices. */
  static Calibration calibrate(ModelFolder model, Int8Weights weights, int threads) {
    try (VectorEngine engine = new VectorEngine(model.config(), weights, threads)) {
      return Calibration.of(model, engine.stream);
    }
  }

  @Override
  public int split(int pieces, int worthAThread) {
    return 1;
  }

  @Override
  public void prepare(int streams) {}

  @Override
  public VectorStream stream(int index) {
    return stream;
  }

  @Override
  public int mostRows() {
    return VectorStream.ROWS * team.size();
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
      stream.close();
    }
  }
}
