package org.autodidact.onnxruntime.graph;

import ai.onnxruntime.OrtException;
import java.util.Arrays;
import java.util.Optional;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import org.autodidact.api.AutodidactException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.backend.SessionCaches;
import org.autodidact.onnxruntime.backend.SharedPrefixes;
import org.autodidact.onnxruntime.ort.NativeBuffer;
import org.autodidact.onnxruntime.ort.RunTensors;

/** Runs an {@link OrtDecoder}: one ONNX graph a prefill or decode step. */
public final class GraphSession implements DecoderSession {
  private final FloatKvCache.Shape shape;
  private final SessionCaches caches;
  private final int vocabulary;

  /** Keys or values of one token, bound where a run has no prefix. */
  private final NativeBuffer placeholder;

  private OrtDecoder decoder;
  private boolean parallel;

  /** Outputs of R rows of logits: [R, V], [R, V] and [R, 2]. */
  private NativeBuffer logits = NativeBuffer.ofFloats(0);

  private NativeBuffer probabilities = NativeBuffer.ofFloats(0);
  private NativeBuffer peaks = NativeBuffer.ofFloats(0);

  /** {@code parallel}: whether the other threads are idle while this session's own works. */
  public GraphSession(OrtDecoder decoder, boolean parallel) {
    ModelConfig config = decoder.config();
    this.decoder = decoder;
    this.parallel = parallel;
    this.shape = FloatKvCache.Shape.of(config);
    this.caches = SessionCaches.of(() -> new FloatKvCache(config));
    this.vocabulary = config.vocabularySize();
    this.placeholder = NativeBuffer.ofFloats((long) config.keyValueHeads() * config.headSize());
  }

  @Override
  public SessionCaches caches() {
    return caches;
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
    int sequences = input.lengths().length;
    int wanted = input.wanted().length;
    // Above the width: else ONNX Runtime's attention takes all sequences for new, and the first
    // one's position for that of all.
    int minTotal = input.shared().isPresent() ? input.width() + 1 : 1;
    int total =
        Math.max(
            Math.max(minTotal, input.width()), Arrays.stream(input.lengths()).max().orElseThrow());
    reserve(wanted);
    try (RunTensors tensors = new RunTensors()) {
      tensors.input("input_ids", input.ids(), sequences, input.width());
      tensors.input(
          "seqlens_k",
          Arrays.stream(input.lengths()).map(length -> length - 1).toArray(),
          sequences);
      tensors.input("total_sequence_length", new int[] {total}, 1);
      tensors.input("logit_rows", input.wanted(), wanted);
      tensors.input("inverse_temperature", input.inverseTemperatures(), wanted, 1);
      GraphLogits result =
          new GraphLogits(
              logits.floats(0, (long) wanted * vocabulary),
              probabilities.floats(0, (long) wanted * vocabulary),
              peaks.floats(0, 2 * wanted),
              vocabulary);
      tensors.output("logits", result.logits(), wanted, vocabulary);
      tensors.output("probabilities", result.probabilities(), wanted, vocabulary);
      tensors.output("peaks", result.peaks(), wanted, 2);
      ((FloatKvCache) input.target())
          .forEach(
              input.firstSlot(),
              sequences,
              (name, values, shape) -> {
                tensors.input("past." + name, values, shape);
                tensors.output("present." + name, values, shape);
              });
      if (decoder.sharesPrefixes()) {
        bindPrefixes(tensors, input, total);
      }
      decoder.run(tensors.inputs(), tensors.outputs());
      if (input.target() == caches.groupPrefixes()) {
        clearPadding(input);
      }
      return result;
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    }
  }

  /** Sets padding to 0: it may be NaN, which times 0 is not 0 where a product reads whole slots. */
  private void clearPadding(Input input) {
    for (int i = 0; i < input.lengths().length; i++) {
      ((FloatKvCache) caches.groupPrefixes())
          .clear(input.firstSlot() + i, input.lengths()[i], input.width());
    }
  }

  private void bindPrefixes(RunTensors tensors, Input input, int total) {
    int sequences = input.lengths().length;
    long[] positions = new long[input.ids().length];
    for (int i = 0; i < positions.length; i++) {
      positions[i] = input.positions()[i / input.width()] + i % input.width();
    }
    tensors.input("positions", positions, sequences, input.width());
    tensors.input("shares_prefixes", new boolean[] {input.shared().isPresent()});
    if (input.shared().isEmpty()) {
      tensors.input("group_sequences", new long[1], 1);
      tensors.input("sequence_indices", new long[1], 1);
      tensors.input("own_mask", mask(new int[1], 1));
      bindPart(tensors, "group", Optional.empty(), new int[1], 1);
      bindPart(tensors, "template", Optional.empty(), new int[1], 1);
      return;
    }
    SharedPrefixes shared = input.shared().get();
    tensors.input(
        "group_sequences",
        shared.sequencesOfGroups(),
        (long) shared.groupLengths().length * shared.groupSize());
    tensors.input("sequence_indices", shared.indicesOfSequences(), sequences);
    tensors.input("own_mask", mask(input.lengths(), total));
    bindPart(
        tensors,
        "group",
        Optional.of((FloatKvCache) shared.groupCache()),
        shared.groupLengths(),
        shared.groupSize());
    bindPart(
        tensors,
        "template",
        shared.templateLength() > 0
            ? Optional.of((FloatKvCache) shared.templateCache())
            : Optional.empty(),
        new int[] {shared.templateLength()},
        sequences);
  }

  /** Binds the prefixes of groups of sequences; one masked token where there is no cache. */
  private void bindPart(
      RunTensors tensors,
      String part,
      Optional<FloatKvCache> prefixes,
      int[] lengths,
      int groupSize) {
    long heads = shape.heads();
    long size = shape.headSize();
    long groups = lengths.length;
    long queries = shape.queriesPerHead();
    tensors.input(part + "_split", new long[] {groups, groupSize, heads, queries, size}, 5);
    tensors.input(part + "_heads", new long[] {groups, heads, groupSize * queries, size}, 4);
    tensors.input(part + "_back", new long[] {groups, heads, groupSize, queries, size + 2}, 5);
    tensors.input(part + "_mask", mask(lengths, prefixes.map(FloatKvCache::capacity).orElse(1)));
    if (prefixes.isPresent()) {
      prefixes
          .get()
          .forEach(
              0,
              (int) groups,
              (name, values, dimensions) -> tensors.input(part + "." + name, values, dimensions));
    } else {
      for (String name : ((FloatKvCache) caches.sequences()).names()) {
        tensors.input(part + "." + name, placeholder.floats(0, heads * size), 1, heads, 1, size);
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
    caches.close();
    placeholder.close();
    closeLogits();
  }
}
