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
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.backend.SharedPrefixes;
import org.autodidact.onnxruntime.ort.NativeBuffer;

/** Runs an {@link OrtDecoder}: one ONNX graph a prefill or decode step. */
public final class GraphSession implements DecoderSession {
  private final FloatKvCache cache;
  private final FloatKvCache groupPrefixes;
  private final FloatKvCache templatePrefix;
  private final FloatKvCache prefixWorkspace;
  private final int vocabulary;

  /** Keys or values of one token, bound where a run has no prefix. */
  private final NativeBuffer placeholder;

  private OrtDecoder decoder;
  private boolean parallel;

  /** Outputs of R sequences: [R, V], [R, V] and [R, 2]. */
  private NativeBuffer logits = NativeBuffer.ofFloats(0);

  private NativeBuffer probabilities = NativeBuffer.ofFloats(0);
  private NativeBuffer peaks = NativeBuffer.ofFloats(0);

  /** {@code parallel}: whether the other threads are idle while this session's own works. */
  public GraphSession(OrtDecoder decoder, boolean parallel) {
    ModelConfig config = decoder.config();
    this.decoder = decoder;
    this.parallel = parallel;
    this.cache = new FloatKvCache(config);
    this.groupPrefixes = new FloatKvCache(config);
    this.templatePrefix = new FloatKvCache(config);
    this.prefixWorkspace = new FloatKvCache(config);
    this.vocabulary = config.vocabularySize();
    this.placeholder = NativeBuffer.ofFloats((long) config.keyValueHeads() * config.headSize());
  }

  @Override
  public FloatKvCache cache() {
    return cache;
  }

  @Override
  public FloatKvCache groupPrefixes() {
    return groupPrefixes;
  }

  @Override
  public FloatKvCache templatePrefix() {
    return templatePrefix;
  }

  @Override
  public FloatKvCache prefixWorkspace() {
    return prefixWorkspace;
  }

  /** Continues with a decoder that was loaded again. */
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
    int sequences = input.lengths().length;
    int wanted = input.wanted().length;
    // Where the total equals the width, ONNX Runtime's attention takes all sequences for new, and
    // the
    // first one's position for that of all.
    int minTotal = input.shared().isPresent() ? input.width() + 1 : 1;
    int total =
        Math.max(
            Math.max(minTotal, input.width()), Arrays.stream(input.lengths()).max().orElseThrow());
    reserve(wanted);
    // Keeps everything that is bound reachable until the run ends.
    Binding bound = new Binding(environment);
    try {
      bound.input("input_ids", input.ids(), sequences, input.width());
      bound.input(
          "seqlens_k",
          Arrays.stream(input.lengths()).map(length -> length - 1).toArray(),
          sequences);
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
              input.firstSlot(),
              sequences,
              (name, values, shape) -> {
                bound.input("past." + name, values, shape);
                bound.output("present." + name, values, shape);
              });
      if (decoder.sharesPrefixes()) {
        bindPrefixes(bound, input, total);
      }
      decoder.run(bound.inputs, bound.outputs);
      if (input.target() == groupPrefixes) {
        clearPadding(input);
      }
      return result;
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    } finally {
      bound.close();
    }
  }

  /** Sets padding to 0: it may be NaN, which times 0 is not 0 where a product reads whole slots. */
  private void clearPadding(Input input) {
    for (int i = 0; i < input.lengths().length; i++) {
      groupPrefixes.clear(input.firstSlot() + i, input.lengths()[i], input.width());
    }
  }

  private void bindPrefixes(Binding bound, Input input, int total) {
    int sequences = input.lengths().length;
    long[] positions = new long[input.ids().length];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = input.positions()[i / input.width()] + i % input.width();
    }
    bound.input("positions", positions, sequences, input.width());
    bound.input("shares_prefixes", new boolean[] {input.shared().isPresent()});
    if (input.shared().isEmpty()) {
      bound.input("group_sequences", new long[1], 1);
      bound.input("sequence_indices", new long[1], 1);
      bound.input("own_mask", mask(new int[1], 1));
      bindPart(bound, "group", Optional.empty(), new int[1], 1);
      bindPart(bound, "template", Optional.empty(), new int[1], 1);
      return;
    }
    SharedPrefixes shared = input.shared().get();
    bound.input(
        "group_sequences",
        shared.sequencesOfGroups(),
        (long) shared.groupLengths().length * shared.groupSize());
    bound.input("sequence_indices", shared.indicesOfSequences(), sequences);
    bound.input("own_mask", mask(input.lengths(), total));
    bindPart(
        bound,
        "group",
        Optional.of((FloatKvCache) shared.groupCache()),
        shared.groupLengths(),
        shared.groupSize());
    bindPart(
        bound,
        "template",
        shared.templateLength() > 0
            ? Optional.of((FloatKvCache) shared.templateCache())
            : Optional.empty(),
        new int[] {shared.templateLength()},
        sequences);
  }

  /** Binds the prefixes of groups of sequences; one masked token where there is no cache. */
  private void bindPart(
      Binding bound, String part, Optional<FloatKvCache> prefixes, int[] lengths, int groupSize) {
    FloatKvCache.Shape shape = cache.shape();
    long heads = shape.heads();
    long size = shape.headSize();
    long groups = lengths.length;
    long queries = shape.queriesPerHead();
    bound.input(part + "_split", new long[] {groups, groupSize, heads, queries, size}, 5);
    bound.input(part + "_heads", new long[] {groups, heads, groupSize * queries, size}, 4);
    bound.input(part + "_back", new long[] {groups, heads, groupSize, queries, size + 2}, 5);
    bound.input(part + "_mask", mask(lengths, prefixes.map(FloatKvCache::capacity).orElse(1)));
    if (prefixes.isPresent()) {
      prefixes
          .get()
          .forEach(
              0,
              (int) groups,
              (name, values, dimensions) -> bound.input(part + "." + name, values, dimensions));
    } else {
      for (String name : cache.names()) {
        bound.input(part + "." + name, placeholder.floats(0, heads * size), 1, heads, 1, size);
      }
    }
  }

  /** [sequences, 1, 1, capacity], true up to a sequence's length. */
  private static boolean[][][][] mask(int[] lengths, int capacity) {
    boolean[][][][] mask = new boolean[lengths.length][1][1][capacity];
    for (int i = 0; i < lengths.length; i++) {
      Arrays.fill(mask[i][0][0], 0, lengths[i], true);
    }
    return mask;
  }

  private void reserve(int logitRows) {
    if (peaks.isClosed() || peaks.capacity() < 2L * logitRows) {
      // Freed first, so that old and new are never in memory together. The peaks are made last:
      // while they are closed after a failure, the next call makes all of them.
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
    List.of(cache, groupPrefixes, templatePrefix, prefixWorkspace).forEach(FloatKvCache::close);
    placeholder.close();
    closeLogits();
  }

  /** The tensors of a run, closed together. */
  private static final class Binding {
    private final OrtEnvironment environment;
    private final Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
    private final Map<String, OnnxTensor> outputs = new LinkedHashMap<>();
    private final List<OnnxTensor> all = new ArrayList<>();

    Binding(OrtEnvironment environment) {
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
