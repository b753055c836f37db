package org.autodidact.gpu.decode;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.files.CacheFolder;
import org.autodidact.gpu.graph.Operators;
import org.autodidact.gpu.graph.PrefillGraph;
import org.autodidact.gpu.graph.StepGraph;
import org.autodidact.gpu.graph.StepLayersGraph;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.MemoryInfo;
import org.autodidact.gpu.ort.OrtEnvironment;
import org.autodidact.gpu.ort.OrtFailure;
import org.autodidact.gpu.ort.OrtLibrary;
import org.autodidact.gpu.ort.OrtSession;
import org.autodidact.gpu.ort.OrtSessionOptions;
import org.autodidact.onnxruntime.gpu.TensorRtCache;

/**
 * A decoder on a device: its weights, and a session for each graph, opened on first use. Sessions
 * have no weights of their own, so that there may be many. One thread at a time.
 */
final class DecoderEngine implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(DecoderEngine.class.getName());

  /** Engines that the cache keeps; an architecture has three, without weights (not measured). */
  private static final int KEPT_ENGINES = 24;

  private final Device device;
  private final OrtLibrary library;
  private final ElementType type;
  private final ModelConfig config;
  private final long[] ends;
  private final Key key;
  private final Deque<AutoCloseable> owned = new ArrayDeque<>();
  private final OrtEnvironment environment;
  private final MemoryInfo memory;
  private final MemoryInfo hostMemory;
  private final DeviceWeights weights;
  private final Map<Object, OrtSession> sessions = new HashMap<>();
  private Optional<Prefiller> prefiller = Optional.empty();
  private Optional<SlotBatch> batch = Optional.empty();
  private int captured;
  private long sortedSteps;
  private boolean captures;

  /** A graph of a prefill. */
  enum Prefill {
    FILLING,
    KEEPING,
    SCORING
  }

  /**
   * What engines have in common that can take one another's weights.
   *
   * @param device its name
   * @param operators of the graphs where both compute the same
   * @param ends tokens that end a text, which the graphs know
   */
  record Key(
      OrtLibrary library,
      String device,
      ElementType type,
      Operators operators,
      ModelConfig config,
      List<Long> ends,
      StepGenerator.Decoding decoding,
      int threads) {}

  /** Takes the device, which it closes. */
  DecoderEngine(Device device, ModelFolder model, Key key) {
    this.key = key;
    this.library = key.library();
    ElementType type = key.type();
    this.device = device;
    this.captures = device.captures();
    this.type = type;
    this.config = model.config();
    this.ends = key.ends().stream().mapToLong(i -> i).toArray();
    owned.push(device);
    try {
      this.environment = own(new OrtEnvironment(library));
      this.memory = own(device.memoryInfo(library));
      this.hostMemory = own(MemoryInfo.cpu(library));
      this.weights = own(new DeviceWeights(device, memory, config, type));
      weights.load(model);
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private <T extends AutoCloseable> T own(T part) {
    owned.push(part);
    return part;
  }

  Key key() {
    return key;
  }

  /** The prefills of this engine. */
  Prefiller prefiller() {
    if (prefiller.isEmpty()) {
      prefiller =
          Optional.of(
              own(new Prefiller(this, isPlain() ? Prefiller.ENGINE_LIMITS : Prefiller.LIMITS)));
    }
    return prefiller.get();
  }

  /**
   * Slots for sequences: those there are where they fit, else others in their place.
   *
   * @param capacity tokens of a slot, at least
   */
  SlotBatch batch(int slots, int capacity) {
    if (batch.isPresent()
        && batch.get().slots() == slots
        && batch.get().cache().capacity() >= capacity) {
      return batch.get();
    }
    batch.ifPresent(SlotBatch::close);
    batch = Optional.empty();
    StepGenerator.Decoding decoding = key.decoding();
    SlotBatch made =
        new SlotBatch(this, slots, capacity, decoding.stepsPerRead(), decoding.likeliest());
    batch = Optional.of(made);
    return made;
  }

  Device device() {
    return device;
  }

  OrtLibrary library() {
    return library;
  }

  ElementType type() {
    return type;
  }

  ModelConfig config() {
    return config;
  }

  MemoryInfo memory() {
    return memory;
  }

  /** The host's memory, for the inputs that ONNX Runtime reads there. */
  MemoryInfo hostMemory() {
    return hostMemory;
  }

  DeviceWeights weights() {
    return weights;
  }

  /** Puts another checkpoint of the same architecture in the place of this one. */
  void load(ModelFolder model) {
    prefiller.ifPresent(Prefiller::forget);
    weights.load(model);
  }

  /** A number that no captured graph of this engine has. */
  int nextGraphId() {
    return ++captured;
  }

  void countSortedStep() {
    sortedSteps++;
  }

  /** Steps that were done again with all tokens sorted, so far. */
  long sortedSteps() {
    return sortedSteps;
  }

  /** Whether steps are captured, as a graph without branches is where the device can. */
  boolean captures() {
    return captures;
  }

  /** Whether graphs are of standard ONNX, where both compute the same. */
  boolean isPlain() {
    return key.operators() == Operators.PLAIN;
  }

  /** What runs a step, or what comes after {@link #openLayers()} where graphs are plain. */
  OrtSession step(StepGraph.Shape shape) {
    Supplier<byte[]> graph =
        () ->
            isPlain()
                ? StepGraph.sampling(config, ends, shape, type)
                : StepGraph.build(config, ends, shape, type);
    if (!captures || shape.likeliest() == 0) {
      return session(shape, graph, options -> device.configure(options, false));
    }
    try {
      return session(shape, graph, options -> device.configure(options, true));
    } catch (UnsupportedModelException e) {
      notCaptured(e);
      return session(shape, graph, options -> device.configure(options, false));
    }
  }

  private void notCaptured(UnsupportedModelException why) {
    captures = false;
    LOGGER.log(
        System.Logger.Level.WARNING,
        "steps are launched kernel by kernel, which is slower, as they cannot be captured: "
            + why.getMessage());
  }

  /**
   * Opens the layers of a step, which the caller closes: TensorRT captures one shape alone for each
   * session.
   */
  OrtSession openLayers() {
    byte[] graph = StepLayersGraph.build(config, type);
    EngineShapes shapes = EngineShapes.step(config, key.decoding().slots());
    if (!captures) {
      return open(graph, shapes, false);
    }
    try {
      return open(graph, shapes, true);
    } catch (UnsupportedModelException e) {
      notCaptured(e);
      return open(graph, shapes, false);
    }
  }

  /** What prefills by fused operators. */
  OrtSession fused(Prefill what) {
    return session(
        what,
        () ->
            switch (what) {
              case FILLING -> PrefillGraph.filling(config, type, Operators.FUSED);
              case KEEPING -> PrefillGraph.keeping(config, type);
              case SCORING -> PrefillGraph.scoring(config, type, Operators.FUSED);
            },
        options -> device.configure(options, false));
  }

  /** What prefills, or scores, by standard ONNX, within {@link EngineShapes}. */
  OrtSession plain(boolean scores, PrefillPass.Limits limits) {
    return sessions.computeIfAbsent(
        List.of(scores, limits),
        k ->
            own(
                open(
                    scores
                        ? PrefillGraph.scoring(config, type, Operators.PLAIN)
                        : PrefillGraph.filling(config, type, Operators.PLAIN),
                    EngineShapes.prefill(config, limits, scores),
                    false)));
  }

  /** Opens a graph of standard ONNX; where TensorRT computes it, with an engine of the cache. */
  private OrtSession open(byte[] graph, EngineShapes shapes, boolean captured) {
    if (!device.buildsEngines()) {
      return open(graph, options -> device.configureEngine(options, Map.of()));
    }
    TensorRtCache engines =
        new TensorRtCache(
            CacheFolder.of(CacheFolder.TENSORRT).resolve("architectures"),
            "ONNX Runtime " + library.version(),
            KEPT_ENGINES);
    try {
      return engines.open(
          shapes.key(graph),
          folder ->
              open(
                  graph,
                  options ->
                      device.configureEngine(options, shapes.settings(folder, type, captured))));
    } catch (RuntimeException e) {
      throw e;
    } catch (Exception e) {
      throw new AutodidactException("TensorRT's engines could not be opened: " + e, e);
    }
  }

  private OrtSession session(
      Object key, Supplier<byte[]> graph, Consumer<OrtSessionOptions> configure) {
    OrtSession known = sessions.get(key);
    if (known == null) {
      known = own(open(graph.get(), configure));
      sessions.put(key, known);
    }
    return known;
  }

  private OrtSession open(byte[] graph, Consumer<OrtSessionOptions> configure) {
    try (OrtSessionOptions options = new OrtSessionOptions(library)) {
      configure.accept(options);
      return new OrtSession(environment, graph, options);
    } catch (OrtFailure e) {
      throw new UnsupportedModelException(
          "ONNX Runtime "
              + library.version()
              + " refused a graph of the decoder: "
              + e.getMessage(),
          e);
    }
  }

  /** Closes sessions, weights and device, the last opened first. */
  @Override
  public void close() {
    RuntimeException failure = null;
    if (batch.isPresent()) {
      owned.push(batch.get());
      batch = Optional.empty();
    }
    while (!owned.isEmpty()) {
      try {
        owned.pop().close();
      } catch (Exception e) {
        RuntimeException unchecked =
            e instanceof RuntimeException r ? r : new IllegalStateException(e);
        if (failure == null) {
          failure = unchecked;
        } else {
          failure.addSuppressed(unchecked);
        }
      }
    }
    if (failure != null) {
      throw failure;
    }
  }
}
