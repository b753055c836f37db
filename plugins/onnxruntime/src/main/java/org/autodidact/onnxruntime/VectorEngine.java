package org.autodidact.onnxruntime;

import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;

/** Each thread computes its own rows with a {@link VectorDecoder}. */
final class VectorEngine implements Engine {
  private final ModelConfig config;
  private final VectorDecoder decoder;
  private final int threads;
  private final List<VectorStream> streams = new ArrayList<>();

  /** {@code weights} must outlive this. */
  VectorEngine(ModelConfig config, Int8Weights weights, int threads) {
    this.config = config;
    this.threads = threads;
    this.decoder = new VectorDecoder(config, weights);
  }

  @Override
  public int split(int pieces, int worthAThread) {
    return Math.min(pieces, threads);
  }

  @Override
  public void prepare(int count) {}

  @Override
  public VectorStream stream(int index) {
    while (streams.size() <= index) {
      streams.add(new VectorStream(decoder));
    }
    return streams.get(index);
  }

  @Override
  public boolean sharesPrefixes() {
    return true;
  }

  @Override
  public long bytesPerPlace() {
    return ByteCache.bytesPerPlace(config);
  }

  @Override
  public void close() {
    try {
      decoder.close();
    } finally {
      streams.forEach(VectorStream::close);
    }
  }
}
