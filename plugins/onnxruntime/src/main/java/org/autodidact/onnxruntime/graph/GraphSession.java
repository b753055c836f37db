package org.autodidact.onnxruntime.graph;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.autodidact.api.AutodidactException;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.backend.SharedPrefixes;
import org.autodidact.onnxruntime.ort.NativeBuffer;

/** Runs a {@link OrtDecoder}, whole graphs in ONNX Runtime. */
public final class GraphSession implements DecoderSession {
  private OrtDecoder decoder;
  private boolean parallel;
  private final FloatKvCache cache;
  private final FloatKvCache prefixes;
  private final FloatKvCache common;
  private final FloatKvCache desk;
  private final int vocabulary;
  private NativeBuffer logits = NativeBuffer.ofFloats(0);
  private NativeBuffer probabilities = NativeBuffer.ofFloats(0);
  private NativeBuffer peaks = NativeBuffer.ofFloats(0);
  private final NativeBuffer none;

  /** {@code parallel}: whether other threads have nothing to do meanwhile. */
  public GraphSession(OrtDecoder decoder, boolean parallel) {
    this.decoder = decoder;
    this.parallel = parallel;
    this.cache = new FloatKvCache(decoder.config());
    this.prefixes = new FloatKvCache(decoder.config());
    this.common = new FloatKvCache(decoder.config());
    this.desk = new FloatKvCache(decoder.config());
    this.vocabulary = decoder.config().vocabularySize();
    this.none =
        NativeBuffer.ofFloats(
            (long) decoder.config().keyValueHeads() * decoder.config().headSize());
  }

  @Override
  public FloatKvCache cache() {
    return cache;
  }

  @Override
  public FloatKvCache prefixes() {
    return prefixes;
  }

  @Override
  public FloatKvCache common() {
    return common;
  }

  @Override
  public FloatKvCache desk() {
    return desk;
  }

  /** Goes on with the decoder loaded anew. */
  void use(OrtDecoder reloaded, boolean nowParallel) {
    decoder = reloaded;
    parallel = nowParallel;
  }

  @Override
  public void forEach(int count, IntConsumer action) {
    IntStream indices = IntStream.range(0, count);
    (parallel ? indices.parallel() : indices).forEach(action);
  }

  @Override
  public Logits run(Input input) {
    OrtEnvironment environment = decoder.environment();
    int rows = input.lengths().length;
    int wanted = input.wanted().length;
    // Where the total equals the width the attention takes all rows for new ones, and the first
    // row's position for that of all.
    int least = input.shared().isPresent() ? input.width() + 1 : 1;
    int total =
        Math.max(
            Math.max(least, input.width()), Arrays.stream(input.lengths()).max().orElseThrow());
    reserve(wanted);
    // Everything bound stays reachable through this until the run ends.
    Bound bound = new Bound(environment);
    try {
      bound.input("input_ids", input.ids(), rows, input.width());
      bound.input(
          "seqlens_k", Arrays.stream(input.lengths()).map(length -> length - 1).toArray(), rows);
      bound.input("total_sequence_length", new int[] {total}, 1);
      bound.input("logit_rows", input.wanted(), wanted);
      bound.input("inverse_temperature", input.inverseTemperatures(), wanted, 1);
      GraphLogits result =
          new GraphLogits(
              logits.floats(0, (long) wanted * vocabulary),
              probabilities.floats(0, (long) wanted * vocabulary),
              peaks.floats(0, 2 * wanted),
              vocabulary);
      bound.output("logits", result.logits(), wanted, vocabulary);
      bound.output("probabilities", result.probabilities(), wanted, vocabulary);
      bound.output("peaks", result.peaks(), wanted, 2);
      ((FloatKvCache) input.target())
          .forEach(
              input.firstRow(),
              rows,
              (name, values, shape) -> {
                bound.input("past." + name, values, shape);
                bound.output("present." + name, values, shape);
              });
      if (decoder.sharesPrefixes()) {
        bindPrefixes(bound, input, total);
      }
      decoder.run(bound.inputs, bound.outputs);
      if (input.target() == prefixes) {
        clearPadding(input);
      }
      return result;
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    } finally {
      bound.close();
    }
  }

  /** It may have come to NaN, which times 0 is not 0 where a product reads all places. */
  private void clearPadding(Input input) {
    for (int row = 0; row < input.lengths().length; row++) {
      prefixes.clear(input.firstRow() + row, input.lengths()[row], input.width());
    }
  }

  private void bindPrefixes(Bound bound, Input input, int total) {
    int rows = input.lengths().length;
    long[] positions = new long[input.ids().length];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = input.positions()[i / input.width()] + i % input.width();
    }
    bound.input("positions", positions, rows, input.width());
    bound.input("shares_prefixes", new boolean[] {input.shared().isPresent()});
    if (input.shared().isEmpty()) {
      bound.input("group_rows", new long[1], 1);
      bound.input("row_slots", new long[1], 1);
      bound.input("own_there", there(new int[1], 1));
      bindPart(bound, "group", Optional.empty(), new int[1], 1);
      bindPart(bound, "common", Optional.empty(), new int[1], 1);
      return;
    }
    SharedPrefixes shared = input.shared().get();
    bound.input(
        "group_rows", shared.rowsOfGroups(), (long) shared.lengths().length * shared.width());
    bound.input("row_slots", shared.slotsOfRows(), rows);
    bound.input("own_there", there(input.lengths(), total));
    bindPart(
        bound,
        "group",
        Optional.of((FloatKvCache) shared.cache()),
        shared.lengths(),
        shared.width());
    bindPart(
        bound,
        "common",
        shared.commonLength() > 0 ? Optional.of((FloatKvCache) shared.common()) : Optional.empty(),
        new int[] {shared.commonLength()},
        rows);
  }

  /** Groups of rows and what they share; where there is no cache, one place that counts not. */
  private void bindPart(
      Bound bound, String part, Optional<FloatKvCache> shared, int[] lengths, int width) {
    FloatKvCache.Shape shape = cache.shape();
    long heads = shape.heads();
    long size = shape.headSize();
    long groups = lengths.length;
    long queries = shape.queriesPerHead();
    bound.input(part + "_split", new long[] {groups, width, heads, queries, size}, 5);
    bound.input(part + "_heads", new long[] {groups, heads, width * queries, size}, 4);
    bound.input(part + "_back", new long[] {groups, heads, width, queries, size + 2}, 5);
    bound.input(part + "_there", there(lengths, shared.map(FloatKvCache::places).orElse(1)));
    if (shared.isPresent()) {
      shared
          .get()
          .forEach(
              0,
              (int) groups,
              (name, values, dimensions) -> bound.input(part + "." + name, values, dimensions));
    } else {
      for (String name : cache.names()) {
        bound.input(part + "." + name, none.floats(0, heads * size), 1, heads, 1, size);
      }
    }
  }

  /** [rows, 1, 1, places], true up to a row's length. */
  private static boolean[][][][] there(int[] lengths, int places) {
    boolean[][][][] there = new boolean[lengths.length][1][1][places];
    for (int row = 0; row < lengths.length; row++) {
      Arrays.fill(there[row][0][0], 0, lengths[row], true);
    }
    return there;
  }

  private void reserve(int logitRows) {
    if (peaks.isClosed() || peaks.capacity() < 2L * logitRows) {
      // Freed first, so that old and new never lie side by side. The peaks are made last: while
      // they are closed, what a failure left here is made anew.
      closeLogits();
      logits = NativeBuffer.ofFloats((long) logitRows * vocabulary);
      probabilities = NativeBuffer.ofFloats((long) logitRows * vocabulary);
      peaks = NativeBuffer.ofFloats(2L * logitRows);
    }
  }

  private void closeLogits() {
    logits.close();
    probabilities.close();
    peaks.close();
  }

  @Override
  public void close() {
    cache.close();
    prefixes.close();
    common.close();
    desk.close();
    none.close();
    closeLogits();
  }

  /** The tensors of a run, closed together. */
  private static final class Bound {
    private final OrtEnvironment environment;
    private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    private final Map<String, OnnxTensor> outputs = new LinkedHashMap<>();
    private final List<OnnxTensor> all = new ArrayList<>();

    Bound(OrtEnvironment environment) {
      this.environment = environment;
    }

    private interface Maker {
      OnnxTensor make() throws OrtException;
    }

    private void put(Map<String, OnnxTensor> into, String name, Maker maker) {
      try {
        OnnxTensor tensor = maker.make();
        all.add(tensor);
        into.put(name, tensor);
      } catch (OrtException e) {
        throw new AutodidactException(
            "ONNX Runtime refused the tensor " + name + ": " + e.getMessage(), e);
      }
    }

    void input(String name, long[] values, long... shape) {
      put(inputs, name, () -> OnnxTensor.createTensor(environment, LongBuffer.wrap(values), shape));
    }

    void input(String name, int[] values, long... shape) {
      put(inputs, name, () -> OnnxTensor.createTensor(environment, IntBuffer.wrap(values), shape));
    }

    void input(String name, float[] values, long... shape) {
      input(name, FloatBuffer.wrap(values), shape);
    }

    void input(String name, FloatBuffer values, long... shape) {
      put(inputs, name, () -> OnnxTensor.createTensor(environment, values, shape));
    }

    /** An array of booleans, of any rank. */
    void input(String name, Object booleans) {
      put(inputs, name, () -> OnnxTensor.createTensor(environment, booleans));
    }

    void output(String name, FloatBuffer values, long... shape) {
      put(outputs, name, () -> OnnxTensor.createTensor(environment, values, shape));
    }

    void close() {
      all.forEach(OnnxTensor::close);
    }
  }
}
