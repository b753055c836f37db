package org.autodidact.gpu.decode;

import java.util.ArrayDeque;
import java.util.Deque;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.gpu.graph.PrefillGraph;
import org.autodidact.gpu.graph.StepGraph;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.MemoryInfo;
import org.autodidact.gpu.ort.OrtEnvironment;
import org.autodidact.gpu.ort.OrtFailure;
import org.autodidact.gpu.ort.OrtLibrary;
import org.autodidact.gpu.ort.OrtSession;
import org.autodidact.gpu.ort.OrtSessionOptions;

/**
 * A decoder on a device: its weights, and a session for each graph, opened on first use. Sessions
 * have no weights of their own, so that there may be many. One thread at a time.
 */
final class DecoderEngine implements AutoCloseable {
  private static final System.Logger LOGGER = System.getLogger(DecoderEngine.class.getName());

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
  private boolean captures;

  /** The graphs of a prefill. */
  private enum Prefill {
    FILLING,
    KEEPING,
    SCORING
  }

  /**
   * What engines have in common that can take one another's weights.
   *
   * @param device its name
   * @param ends tokens that end a text, which the graphs know
   */
  record Key(
      OrtLibrary library,
      String device,
      ElementType type,
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
      prefiller = Optional.of(own(new Prefiller(this, Prefiller.LIMITS)));
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

  /** Whether steps are captured, as a graph without branches is where the device can. */
  boolean captures() {
    return captures;
  }

  OrtSession step(StepGraph.Shape shape) {
    Supplier<byte[]> graph = () -> StepGraph.build(config, ends, shape, type);
    if (!captures || shape.likeliest() == 0) {
      return session(shape, false, graph);
    }
    try {
      return session(shape, true, graph);
    } catch (UnsupportedModelException e) {
      captures = false;
      LOGGER.log(
          System.Logger.Level.WARNING,
          "steps are launched kernel by kernel, which is slower, as they cannot be captured: "
              + e.getMessage());
      return session(shape, false, graph);
    }
  }

  OrtSession filling() {
    return session(Prefill.FILLING, false, () -> PrefillGraph.filling(config, type));
  }

  OrtSession keeping() {
    return session(Prefill.KEEPING, false, () -> PrefillGraph.keeping(config, type));
  }

  OrtSession scoring() {
    return session(Prefill.SCORING, false, () -> PrefillGraph.scoring(config, type));
  }

  private OrtSession session(Object key, boolean captures, Supplier<byte[]> graph) {
    OrtSession known = sessions.get(key);
    if (known != null) {
      return known;
    }
    try (OrtSessionOptions options = new OrtSessionOptions(library)) {
      device.configure(options, captures);
      OrtSession session = own(new OrtSession(environment, graph.get(), options));
      sessions.put(key, session);
      return session;
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
