package org.autodidact.gpu.decode;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.List;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.memory.DeviceBuffer;
import org.autodidact.gpu.memory.HostDevice;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.IoBinding;
import org.autodidact.gpu.ort.OrtSession;
import org.autodidact.gpu.ort.OrtValue;
import org.autodidact.gpu.ort.RunOptions;

/**
 * Prefills texts, a few at a time and right-padded to the longest of them, into a cache of its own,
 * from which slots copy. One thread at a time.
 */
final class Prefiller implements AutoCloseable {
  /** Tokens of a run with their padding, at most; a longer text runs alone (not measured). */
  private static final int MAX_TOKENS = 4096;

  /** Texts of a run, at most (not measured). */
  private static final int MAX_TEXTS = 32;

  private static final Device HOST = new HostDevice(1);

  private final DecoderEngine engine;
  private final GrowingTensor ids;
  private final GrowingTensor lengths;
  private final GrowingTensor rows;
  private final GrowingTensor targets;
  private final GrowingTensor scores;
  private final DeviceTensor capacity;
  private final RunOptions run;
  private DeviceBuffer cacheMemory;
  private KvMemory cache;

  Prefiller(DecoderEngine engine) {
    this.engine = engine;
    this.ids = tensor(ElementType.INT64);
    this.lengths = tensor(ElementType.INT32);
    this.rows = tensor(ElementType.INT64);
    this.targets = tensor(ElementType.INT64);
    this.scores = tensor(ElementType.FLOAT);
    this.capacity = new DeviceTensor(HOST, engine.hostMemory(), ElementType.INT32, 1);
    this.run = new RunOptions(engine.library());
  }

  private GrowingTensor tensor(ElementType type) {
    return new GrowingTensor(engine.device(), engine.memory(), type);
  }

  /**
   * How many of these texts, from the first on, one run takes.
   *
   * @param lengths their tokens; the longest first is best
   */
  static int fitting(List<Integer> lengths) {
    int longest = 0;
    int count = 0;
    for (int length : lengths) {
      longest = Math.max(longest, length);
      if (count == MAX_TEXTS || (count > 0 && (long) longest * (count + 1) > MAX_TOKENS)) {
        return count;
      }
      count++;
    }
    return count;
  }

  /** Prefills texts; their keys and values are in the slots of the result until the next call. */
  KvMemory fill(List<int[]> texts) {
    try (IoBinding binding = new IoBinding(engine.filling());
        Arena arena = Arena.ofConfined()) {
      prepare(texts, binding, arena);
      engine.filling().run(run, binding);
      engine.device().synchronize(); // what was uploaded is this call's
    }
    return cache;
  }

  /**
   * Log-probabilities of tokens.
   *
   * @param rowIndices tokens whose next one is scored, as text × width + index, width being the
   *     longest text's tokens
   * @param targetIndices pairs: an index into {@code rowIndices}, and a token
   */
  float[] score(List<int[]> texts, long[] rowIndices, long[] targetIndices) {
    int count = targetIndices.length / 2;
    OrtSession session = engine.scoring();
    try (IoBinding binding = new IoBinding(session);
        Arena arena = Arena.ofConfined();
        OrtValue rowsValue = uploaded(arena, rows, rowIndices, rowIndices.length);
        OrtValue targetsValue = uploaded(arena, targets, targetIndices, count, 2);
        OrtValue found = scores.of(count)) {
      prepare(texts, binding, arena);
      binding.input("rows", rowsValue);
      binding.input("targets", targetsValue);
      binding.output("log_probabilities", found);
      session.run(run, binding);
      MemorySegment host = arena.allocate(JAVA_FLOAT, count);
      engine.device().download(scores.buffer(), 0, host);
      engine.device().synchronize();
      return host.toArray(JAVA_FLOAT);
    }
  }

  private OrtValue uploaded(Arena arena, GrowingTensor tensor, long[] numbers, long... shape) {
    OrtValue value = tensor.of(shape);
    engine.device().upload(arena.allocateFrom(JAVA_LONG, numbers), tensor.buffer(), 0);
    return value;
  }

  /** Binds the texts, the weights, and the cache, which grows where it must. */
  private void prepare(List<int[]> texts, IoBinding binding, Arena arena) {
    int count = texts.size();
    int width = texts.stream().mapToInt(t -> t.length).max().orElseThrow();
    long[] padded = new long[count * width];
    int[] last = new int[count];
    for (int text = 0; text < count; text++) {
      int[] tokens = texts.get(text);
      last[text] = tokens.length - 1;
      for (int t = 0; t < tokens.length; t++) {
        padded[text * width + t] = tokens[t];
      }
    }
    room(count, width);
    engine.weights().bind(binding);
    cache.bind(binding);
    try (OrtValue idsValue = uploaded(arena, ids, padded, count, width);
        OrtValue lengthsValue = lengths.of(count)) {
      engine.device().upload(arena.allocateFrom(JAVA_INT, last), lengths.buffer(), 0);
      capacity.host().set(JAVA_INT, 0, width);
      capacity.upload();
      binding.input("input_ids", idsValue);
      binding.input("seqlens_k", lengthsValue);
      binding.input("total_sequence_length", capacity.value());
    }
  }

  /** Makes a cache of exactly these slots, as attention asks for, with room for the tokens. */
  private void room(int slots, int tokens) {
    if (cache != null) {
      cache.close();
      cache = null;
    }
    long bytes = KvMemory.bytes(engine.config(), engine.type(), slots, tokens);
    if (cacheMemory == null || cacheMemory.bytes() < bytes) {
      if (cacheMemory != null) {
        cacheMemory.close();
        cacheMemory = null;
      }
      cacheMemory = engine.device().allocate(bytes);
    }
    cache = new KvMemory(engine, slots, tokens, cacheMemory);
  }

  @Override
  public void close() {
    if (cache != null) {
      cache.close();
    }
    if (cacheMemory != null) {
      cacheMemory.close();
    }
    run.close();
    capacity.close();
    scores.close();
    targets.close();
    rows.close();
    lengths.close();
    ids.close();
  }
}
