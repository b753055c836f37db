package org.autodidact.onnxruntime.graph;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.DecoderBackend;
import org.autodidact.onnxruntime.quantization.QuantizedWeights;

/** Whole graphs in ONNX Runtime: many rows on threads apart, few on all threads together. */
public final class GraphBackend implements DecoderBackend {
  private static final int MOST_ROWS = 64;

  /** Rows and texts from which a thread does best without the others' help. */
  private static final int ROWS_OF_A_THREAD = 12;

  private static final int TEXTS_OF_A_THREAD = 4;

  private final ModelFolder model;
  private final Optional<QuantizedWeights> rounded;
  private final boolean sharesPrefixes;
  private final int threads;
  private final int positions;
  private final List<GraphSession> streams = new ArrayList<>();
  private OrtDecoder decoder;

  /** Of the decoder that is loaded; 0 where none is. */
  private int decoderThreads;

  /**
   * {@code model} and {@code rounded} must outlive this.
   *
   * @param positions tokens of the longest sequence
   */
  public GraphBackend(
      ModelFolder model,
      Optional<QuantizedWeights> rounded,
      int threads,
      boolean sharesPrefixes,
      int positions) {
    this.model = model;
    this.rounded = rounded;
    this.threads = threads;
    this.sharesPrefixes = sharesPrefixes;
    this.positions = positions;
    this.decoderThreads = threads;
    this.decoder = new OrtDecoder(model, threads, rounded, sharesPrefixes, positions);
  }

  @Override
  public int splitDecoding(int rows) {
    return DecoderBackend.split(rows, ROWS_OF_A_THREAD, threads);
  }

  @Override
  public int splitReading(int texts) {
    return DecoderBackend.split(texts, TEXTS_OF_A_THREAD, threads);
  }

  @Override
  public void prepare(int count) {
    int each = count == 1 ? threads : 1;
    if (each != decoderThreads) {
      // Closed first, so that the weights never lie there twice; should the next one fail, the
      // next call loads again.
      decoderThreads = 0;
      decoder.close();
      decoder = new OrtDecoder(model, each, rounded, sharesPrefixes, positions);
      decoderThreads = each;
      streams.forEach(stream -> stream.use(decoder, each > 1));
    }
  }

  @Override
  public GraphSession stream(int index) {
    while (streams.size() <= index) {
      streams.add(new GraphSession(decoder, decoderThreads > 1));
    }
    return streams.get(index);
  }

  @Override
  public int mostRows(int streams) {
    return MOST_ROWS;
  }

  @Override
  public boolean sharesPrefixes() {
    return sharesPrefixes;
  }

  @Override
  public long bytesPerPlace() {
    return FloatKvCache.bytesPerPlace(model.config());
  }

  @Override
  public long roomForCaches() {
    return Long.MAX_VALUE;
  }

  @Override
  public void close() {
    try {
      decoder.close();
    } finally {
      streams.forEach(GraphSession::close);
    }
  }
}
