package org.autodidact.gpu.decode;

import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.DoubleConsumer;
import java.util.function.IntUnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.autodidact.api.Cancellation;
import org.autodidact.gpu.decode.DecoderEngine.Prefill;
import org.autodidact.gpu.decode.PrefillPass.Limits;
import org.autodidact.gpu.decode.PrefillPass.Text;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.memory.DeviceBuffer;
import org.autodidact.gpu.memory.HostDevice;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.IoBinding;
import org.autodidact.gpu.ort.OrtSession;
import org.autodidact.gpu.ort.OrtValue;
import org.autodidact.gpu.ort.RunOptions;

/**
 * Prefills texts, in passes of bounded memory, into a cache of its own, from which slots copy. The
 * tokens of the template that was last used stay computed for later calls. One thread at a time.
 */
final class Prefiller implements AutoCloseable {
  /** Bounds of a pass by fused operators (not measured on a GPU). */
  static final Limits LIMITS = new Limits(4096, 16384, 2048, Integer.MAX_VALUE);

  /** Bounds of a pass that TensorRT has an engine for, where its texts are not too long. */
  static final Limits ENGINE_LIMITS = new Limits(4096, 16384, 2048, EngineShapes.MAX_TEXTS);

  /**
   * Bytes of the cache of a pass, at most; a text that needs more is alone in it (not measured).
   */
  private static final long CACHE_BYTES = 1L << 30;

  private static final Device HOST = new HostDevice(1);

  private final DecoderEngine engine;
  private final Limits limits;
  private final GrowingTensor ids;
  private final GrowingTensor sequences;
  private final GrowingTensor places;
  private final GrowingTensor lengths;
  private final GrowingTensor rows;
  private final GrowingTensor targets;
  private final GrowingTensor scores;
  private final DeviceTensor total;
  private final RunOptions run;
  private final KeptRows none;
  private KeptRows kept;
  private DeviceBuffer cacheMemory;
  private KvMemory cache;
  private long computed;
  private int mostComputed;

  /** Takes a text's keys and values from a slot of a cache, in which they are until it returns. */
  interface Filled {
    void accept(int text, KvMemory cache, int slot);
  }

  /** Takes the sums of the log-probabilities of a text's continuations. */
  interface Scored {
    void accept(int text, double[] logProbabilities);
  }

  Prefiller(DecoderEngine engine, Limits limits) {
    this.engine = engine;
    long affordable = CACHE_BYTES / KvMemory.bytesPerToken(engine.config(), engine.type());
    this.limits =
        new Limits(
            limits.rows(),
            (int) Math.min(limits.places(), affordable),
            limits.wanted(),
            limits.texts());
    this.ids = tensor(ElementType.INT64);
    this.sequences = tensor(ElementType.INT64);
    this.places = tensor(ElementType.INT64);
    this.lengths = tensor(ElementType.INT32);
    this.rows = tensor(ElementType.INT64);
    this.targets = tensor(ElementType.INT64);
    this.scores = tensor(ElementType.FLOAT);
    this.total = new DeviceTensor(HOST, engine.hostMemory(), ElementType.INT32, 1);
    this.run = new RunOptions(engine.library());
    this.none = new KeptRows(engine, new int[0]);
    this.kept = none;
  }

  private GrowingTensor tensor(ElementType type) {
    return new GrowingTensor(engine.device(), engine.memory(), type);
  }

  /** Tokens that have been computed so far. */
  long computed() {
    return computed;
  }

  /** Tokens of the run that computed most. */
  int mostComputed() {
    return mostComputed;
  }

  /** Forgets the template that is kept, as after a change of weights. */
  void forget() {
    if (kept != none) {
      kept.close();
      kept = none;
    }
  }

  /**
   * Prefills texts.
   *
   * @param template tokens that all of them begin with and go on after; may be empty
   */
  void fill(List<int[]> texts, int[] template, Cancellation cancellation, Filled use) {
    List<Text> all = texts.stream().map(Text::unscored).toList();
    for (PrefillPass pass : passes(all, template)) {
      cancellation.throwIfCancelled();
      if (pass.isLong()) {
        inPieces(all.get(pass.texts().get(0)), cancellation, new double[0]);
      } else {
        run(pass, all, List.of());
      }
      for (int slot = 0; slot < pass.texts().size(); slot++) {
        use.accept(pass.texts().get(slot), cache, slot);
      }
    }
  }

  /**
   * Scores texts' continuations.
   *
   * @param template tokens that all texts begin with, of which none is wanted; may be empty
   */
  void score(List<Text> texts, int[] template, Cancellation cancellation, Scored use) {
    for (PrefillPass pass : passes(texts, template)) {
      cancellation.throwIfCancelled();
      List<double[]> sums =
          pass.texts().stream().map(i -> new double[texts.get(i).continuations().size()]).toList();
      if (pass.isLong()) {
        inPieces(texts.get(pass.texts().get(0)), cancellation, sums.get(0));
      } else {
        run(pass, texts, sums);
      }
      for (int i = 0; i < sums.size(); i++) {
        use.accept(pass.texts().get(i), sums.get(i));
      }
    }
  }

  private List<PrefillPass> passes(List<Text> texts, int[] template) {
    // What is kept must leave room for the texts.
    int[] common = template.length <= limits.rows() / 2 ? template : new int[0];
    if (common.length > 0 && !kept.are(common)) {
      keep(common);
    }
    return PrefillPass.of(texts, common, limits);
  }

  private void keep(int[] template) {
    forget();
    KeptRows made = new KeptRows(engine, template);
    try {
      PrefillPass pass =
          PrefillPass.of(List.of(Text.unscored(template)), new int[0], limits).get(0);
      OrtSession session = engine.fused(Prefill.KEEPING);
      try (IoBinding binding = new IoBinding(session);
          Arena arena = Arena.ofConfined()) {
        made.bindOutputs(binding);
        room(1, template.length);
        rows(binding, arena, pass.ids(), pass.sequences(), 1, pass.places(), none);
        lengths(binding, arena, new int[] {template.length - 1}, template.length);
        run(session, binding, pass.computed());
      }
    } catch (RuntimeException | Error e) {
      made.close();
      throw e;
    }
    kept = made;
  }

  /** Runs a pass; adds the log-probabilities of continuations to {@code sums}, if there are any. */
  private void run(PrefillPass pass, List<Text> all, List<double[]> sums) {
    List<Text> texts = pass.texts().stream().map(all::get).toList();
    Targets wanted = new Targets();
    for (int i = 0; i < sums.size(); i++) {
      int text = i;
      wanted.add(
          texts.get(i), 0, texts.get(i).tokens().length, sums.get(i), t -> pass.row(text, t));
    }
    boolean plain = engine.isPlain() && isWithinEngine(pass, wanted);
    OrtSession session = plain ? engine.plain(!wanted.isEmpty(), limits) : fused(wanted);
    try (IoBinding binding = new IoBinding(session);
        Arena arena = Arena.ofConfined()) {
      KeptRows before = pass.row(0, 0) < 0 ? kept : none;
      room(texts.size(), pass.width());
      rows(binding, arena, pass.ids(), pass.sequences(), texts.size(), pass.places(), before);
      if (plain) {
        cache.bindOutputs(binding, "present.");
      } else {
        lengths(
            binding,
            arena,
            texts.stream().mapToInt(t -> t.tokens().length - 1).toArray(),
            pass.width());
      }
      runWanted(session, binding, arena, wanted, pass.computed());
    }
  }

  private boolean isWithinEngine(PrefillPass pass, Targets wanted) {
    return pass.texts().size() <= EngineShapes.MAX_TEXTS
        && pass.width() <= EngineShapes.longest(engine.config())
        && wanted.count() <= limits.wanted();
  }

  private OrtSession fused(Targets wanted) {
    return engine.fused(wanted.isEmpty() ? Prefill.FILLING : Prefill.SCORING);
  }

  /** Prefills one long text piece by piece, each after what the cache has of it. */
  private void inPieces(Text text, Cancellation cancellation, double[] sums) {
    int piece = Math.min(limits.rows(), limits.wanted());
    int length = text.tokens().length;
    room(1, length);
    for (int from = 0; from < length; from += piece) {
      cancellation.throwIfCancelled();
      int start = from;
      int end = Math.min(length, from + piece);
      Targets wanted = new Targets();
      if (sums.length > 0) {
        wanted.add(text, start, end, sums, t -> t - start);
      }
      OrtSession session = fused(wanted);
      long[] count = LongStream.range(0, end - start).toArray();
      try (IoBinding binding = new IoBinding(session);
          Arena arena = Arena.ofConfined()) {
        long[] tokens = Arrays.stream(text.tokens(), start, end).asLongStream().toArray();
        rows(binding, arena, tokens, count, 1, count, none);
        lengths(binding, arena, new int[] {end - 1}, end);
        runWanted(session, binding, arena, wanted, end - start);
      }
    }
  }

  /** Binds weights, and tokens and where they are in the texts. */
  private void rows(
      IoBinding binding,
      Arena arena,
      long[] tokens,
      long[] sequenceRows,
      int texts,
      long[] rowPlaces,
      KeptRows before) {
    engine.weights().bind(binding);
    before.bind(binding);
    input(binding, "input_ids", arena, ids, tokens, tokens.length);
    int width = sequenceRows.length / texts;
    input(binding, "sequences", arena, sequences, sequenceRows, texts, width);
    input(binding, "places", arena, places, rowPlaces, rowPlaces.length);
  }

  /** Binds what fused attention reads beside: the cache, and how much of it each text has. */
  private void lengths(IoBinding binding, Arena arena, int[] last, int totalLength) {
    cache.bind(binding);
    try (OrtValue value = lengths.of(last.length)) {
      engine.device().upload(arena.allocateFrom(JAVA_INT, last), lengths.buffer(), 0);
      binding.input("seqlens_k", value);
    }
    total.host().set(JAVA_INT, 0, totalLength);
    total.upload();
    binding.input("total_sequence_length", total.value());
  }

  private void input(
      IoBinding binding,
      String name,
      Arena arena,
      GrowingTensor tensor,
      long[] numbers,
      long... shape) {
    try (OrtValue value = tensor.of(shape)) {
      engine.device().upload(arena.allocateFrom(JAVA_LONG, numbers), tensor.buffer(), 0);
      binding.input(name, value);
    }
  }

  private void runWanted(
      OrtSession session, IoBinding binding, Arena arena, Targets wanted, int count) {
    if (wanted.isEmpty()) {
      run(session, binding, count);
      return;
    }
    long[] wantedRows = wanted.rows();
    long[] wantedTargets = wanted.targets();
    input(binding, "rows", arena, rows, wantedRows, wantedRows.length);
    input(binding, "targets", arena, targets, wantedTargets, wantedTargets.length / 2, 2);
    try (OrtValue value = scores.of(wantedTargets.length / 2)) {
      binding.output("log_probabilities", value);
      run(session, binding, count);
    }
    MemorySegment host = arena.allocate(JAVA_FLOAT, wantedTargets.length / 2);
    engine.device().download(scores.buffer(), 0, host);
    engine.device().synchronize();
    wanted.take(host.toArray(JAVA_FLOAT));
  }

  private void run(OrtSession session, IoBinding binding, int count) {
    session.run(run, binding);
    engine.device().synchronize(); // what was uploaded is the caller's
    computed += count;
    mostComputed = Math.max(mostComputed, count);
  }

  /** Makes a cache of these slots with room for the tokens. */
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
    forget();
    none.close();
    if (cache != null) {
      cache.close();
    }
    if (cacheMemory != null) {
      cacheMemory.close();
    }
    run.close();
    total.close();
    scores.close();
    targets.close();
    rows.close();
    lengths.close();
    places.close();
    sequences.close();
    ids.close();
  }

  /** Which tokens a run scores, and the sums that their log-probabilities are added to. */
  private static final class Targets {
    private final List<Long> rows = new ArrayList<>();
    private final List<Long> targets = new ArrayList<>();
    private final List<DoubleConsumer> sums = new ArrayList<>();

    /** Adds what is wanted of a text's tokens {@code from} to {@code to}. */
    void add(Text text, int from, int to, double[] into, IntUnaryOperator rowOf) {
      for (int t = Math.max(from, text.firstWanted()); t < to; t++) {
        for (int i = 0; i < text.continuations().size(); i++) {
          targets.add((long) rows.size());
          targets.add((long) text.continuations().get(i)[t - text.firstWanted()]);
          int index = i;
          sums.add(score -> into[index] += score);
        }
        rows.add((long) rowOf.applyAsInt(t));
      }
    }

    boolean isEmpty() {
      return targets.isEmpty();
    }

    int count() {
      return sums.size();
    }

    long[] rows() {
      return rows.stream().mapToLong(r -> r).toArray();
    }

    long[] targets() {
      return targets.stream().mapToLong(t -> t).toArray();
    }

    void take(float[] scores) {
      IntStream.range(0, scores.length).forEach(i -> sums.get(i).accept(scores[i]));
    }
  }
}
