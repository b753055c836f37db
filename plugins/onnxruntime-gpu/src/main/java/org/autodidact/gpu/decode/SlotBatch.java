package org.autodidact.gpu.decode;

import static java.lang.foreign.ValueLayout.JAVA_DOUBLE;
import static java.lang.foreign.ValueLayout.JAVA_FLOAT;
import static java.lang.foreign.ValueLayout.JAVA_INT;
import static java.lang.foreign.ValueLayout.JAVA_LONG;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.Cancellation;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.gpu.graph.StepGraph;
import org.autodidact.gpu.graph.StepGraph.Row;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.IoBinding;
import org.autodidact.gpu.ort.MemoryInfo;
import org.autodidact.gpu.ort.OrtSession;
import org.autodidact.gpu.ort.RunOptions;
import org.autodidact.onnxruntime.batching.GenerationJob;
import org.autodidact.onnxruntime.batching.Sampler;
import org.autodidact.onnxruntime.gpu.SamplingNodes;

/**
 * B slots that decode together. Sequences enter free slots and leave them at their end, between
 * rounds of some steps; for a round the host only launches, and then collects. One thread at a
 * time.
 */
final class SlotBatch implements AutoCloseable {
  private final DecoderEngine engine;
  private final int slots;
  private final int steps;
  private final KvMemory cache;
  private final Deque<AutoCloseable> owned = new ArrayDeque<>();
  private final DeviceTensor state;
  private final DeviceTensor tokens;
  private final DeviceTensor logProbabilities;
  private final DeviceTensor uniforms;
  private final DeviceTensor inverseTemperature;
  private final DeviceTensor topK;
  private final DeviceTensor topP;
  private final DeviceTensor minP;
  private final DeviceTensor capacity;
  private final List<Launch> step = new ArrayList<>();
  private final DecodedSequence[] sequences;

  /** The jobs whose prompts' keys and values are in the slots. */
  private final GenerationJob[] prompts;

  private Optional<KvMemory> found = Optional.empty();
  private Optional<DeviceTensor> logits = Optional.empty();
  private boolean samplingChanged = true;
  private Thread capturedBy;
  private List<Launch> sorting = List.of();

  /** What a step launches: one graph, or the layers and what comes after them. */
  private record Launch(OrtSession session, RunOptions options, IoBinding binding) {
    void run() {
      session.run(options, binding);
    }
  }

  /**
   * @param slots B
   * @param tokensPerSlot tokens of a sequence, at most
   * @param steps steps of a round, at most
   * @param likeliest tokens that a step sorts
   */
  SlotBatch(DecoderEngine engine, int slots, int tokensPerSlot, int steps, int likeliest) {
    this.engine = engine;
    this.slots = slots;
    this.steps = steps;
    this.sequences = new DecodedSequence[slots];
    this.prompts = new GenerationJob[slots];
    Device device = engine.device();
    MemoryInfo memory = engine.memory();
    try {
      this.cache = own(new KvMemory(engine, slots, tokensPerSlot));
      this.state = tensor(memory, ElementType.INT64, Row.values().length, slots);
      this.tokens = tensor(memory, ElementType.INT64, steps, slots);
      this.logProbabilities = tensor(memory, ElementType.FLOAT, steps, slots);
      this.uniforms = tensor(memory, ElementType.DOUBLE, steps + 1, slots);
      this.inverseTemperature = tensor(memory, ElementType.FLOAT, slots, 1);
      this.topK = tensor(memory, ElementType.INT64, slots, 1);
      this.topP = tensor(memory, ElementType.DOUBLE, slots, 1);
      this.minP = tensor(memory, ElementType.DOUBLE, slots, 1);
      this.capacity = own(new DeviceTensor(HOST, engine.hostMemory(), ElementType.INT32, 1));
      // A step's attention is over all of a slot; what is beyond a sequence it leaves out itself.
      capacity.host().set(JAVA_INT, 0, tokensPerSlot);
      capacity.upload();
      for (int slot = 0; slot < slots; slot++) {
        setSampling(slot, SamplingParameters.greedy(1));
      }
      if (engine.isPlain()) {
        cache.zero(); // plain attention multiplies all of it, most of it by 0
        step.add(layers(memory));
      }
      step.add(launch(engine.step(new StepGraph.Shape(slots, steps, likeliest)), true));
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** Copies on the host. */
  private static final Device HOST = new org.autodidact.gpu.memory.HostDevice(1);

  private <T extends AutoCloseable> T own(T part) {
    owned.push(part);
    return part;
  }

  private DeviceTensor tensor(MemoryInfo memory, ElementType type, long... shape) {
    return own(new DeviceTensor(engine.device(), memory, type, shape));
  }

  private RunOptions options(boolean captured) {
    RunOptions options =
        own(new RunOptions(engine.library())).entry("disable_synchronize_execution_providers", "1");
    if (captured && engine.captures()) {
      options.entry("gpu_graph_id", Integer.toString(engine.nextGraphId()));
    }
    return options;
  }

  /** The layers of a step where graphs are plain; what they find is kept for what comes after. */
  private Launch layers(MemoryInfo memory) {
    ModelConfig config = engine.config();
    OrtSession session = own(engine.openLayers());
    RunOptions options = options(true);
    IoBinding bound = own(new IoBinding(session));
    this.found = Optional.of(own(new KvMemory(engine, slots, 1)));
    this.logits = Optional.of(tensor(memory, ElementType.FLOAT, slots, config.vocabularySize()));
    engine.weights().bind(bound);
    cache.bindInputs(bound, "past.");
    bound.input("state", state.value());
    found.get().bindOutputs(bound, "new.");
    bound.output("logits", logits.get().value());
    return new Launch(session, options, bound);
  }

  private Launch launch(OrtSession session, boolean captured) {
    RunOptions options = options(captured);
    IoBinding bound = own(new IoBinding(session));
    if (found.isPresent()) {
      found.get().bindInputs(bound, "new.");
      bound.input("logits", logits.orElseThrow().value());
    } else {
      engine.weights().bind(bound);
      bound.input("total_sequence_length", capacity.value());
    }
    cache.bind(bound);
    bound.input("uniforms", uniforms.value());
    bound.input("inverse_temperature", inverseTemperature.value());
    bound.input("top_k", topK.value());
    bound.input("top_p", topP.value());
    bound.input("min_p", minP.value());
    inPlace(bound, "state", state);
    inPlace(bound, "tokens", tokens);
    inPlace(bound, "log_probabilities", logProbabilities);
    return new Launch(session, options, bound);
  }

  private static void inPlace(IoBinding bound, String name, DeviceTensor tensor) {
    bound.input(name, tensor.value());
    bound.output("next_" + name, tensor.value());
  }

  /**
   * Captures the step as a CUDA graph, which ONNX Runtime keeps for the calling thread. It runs the
   * step more than once for that, so that all slots are idle meanwhile: they compute a token that
   * the next step computes again.
   */
  void capture() {
    long[] active = new long[slots];
    for (int slot = 0; slot < slots; slot++) {
      active[slot] = get(Row.ACTIVE, slot);
      set(Row.ACTIVE, slot, 0);
    }
    uploadAll();
    step.forEach(Launch::run);
    engine.device().synchronize();
    for (int slot = 0; slot < slots; slot++) {
      set(Row.ACTIVE, slot, active[slot]);
    }
    capturedBy = Thread.currentThread();
  }

  private void uploadAll() {
    state.upload();
    uniforms.upload();
    if (samplingChanged) {
      inverseTemperature.upload();
      topK.upload();
      topP.upload();
      minP.upload();
      samplingChanged = false;
    }
  }

  int slots() {
    return slots;
  }

  KvMemory cache() {
    return cache;
  }

  /** Slots without a sequence. */
  List<Integer> free() {
    List<Integer> free = new ArrayList<>();
    for (int slot = 0; slot < slots; slot++) {
      if (sequences[slot] == null) {
        free.add(slot);
      }
    }
    return free;
  }

  /** Whether a free slot still has the keys and values of a job's prompt. */
  boolean holds(int slot, GenerationJob job) {
    return prompts[slot] == job;
  }

  /** A slot that a sequence of a job is in. */
  Optional<Integer> occupiedBy(GenerationJob job) {
    for (int slot = 0; slot < slots; slot++) {
      if (sequences[slot] != null && sequences[slot].job() == job) {
        return Optional.of(slot);
      }
    }
    return Optional.empty();
  }

  boolean isEmpty() {
    return free().size() == slots;
  }

  /**
   * Puts a sequence into a free slot, in whose cache all tokens of its prompt but the last one are.
   */
  void enter(int slot, DecodedSequence sequence) {
    sequences[slot] = sequence;
    prompts[slot] = sequence.job();
    int[] prompt = sequence.prompt();
    set(Row.TOKEN, slot, prompt[prompt.length - 1]);
    set(Row.LENGTH, slot, prompt.length - 1L);
    set(Row.LEFT, slot, sequence.maxTokens());
    set(Row.IGNORES_END, slot, sequence.sampling().ignoreEndOfText() ? 1 : 0);
    set(Row.ACTIVE, slot, 1);
    setSampling(slot, sequence.sampling());
  }

  private void setSampling(int slot, SamplingParameters sampling) {
    inverseTemperature.host().setAtIndex(JAVA_FLOAT, slot, Sampler.inverseTemperature(sampling));
    topK.host()
        .setAtIndex(
            JAVA_LONG, slot, SamplingNodes.topK(sampling, engine.config().vocabularySize()));
    topP.host().setAtIndex(JAVA_DOUBLE, slot, sampling.topP());
    minP.host().setAtIndex(JAVA_DOUBLE, slot, sampling.minP());
    samplingChanged = true;
  }

  private void set(Row row, int slot, long value) {
    state.host().setAtIndex(JAVA_LONG, (long) row.ordinal() * slots + slot, value);
  }

  private long get(Row row, int slot) {
    return state.host().getAtIndex(JAVA_LONG, (long) row.ordinal() * slots + slot);
  }

  /** Empties all slots. */
  void clear() {
    for (int slot = 0; slot < slots; slot++) {
      leave(slot);
      prompts[slot] = null;
    }
  }

  private void leave(int slot) {
    sequences[slot] = null;
    set(Row.ACTIVE, slot, 0);
    set(Row.LENGTH, slot, 0); // an idle slot reads as little as it can
  }

  /**
   * Launches a round of steps, which a GPU computes while the host does something else; {@link
   * #collect} waits for it.
   */
  void launch(Cancellation cancellation) {
    int most = 0;
    for (int slot = 0; slot < slots; slot++) {
      set(Row.STEP, slot, 0);
      if (sequences[slot] != null) {
        most = (int) Math.max(most, Math.min(steps, get(Row.LEFT, slot)));
        for (int step = 0; step < steps; step++) {
          setUniform(step, slot, sequences[slot].uniform(step));
        }
      } else {
        prompts[slot] = null; // an idle slot writes its first token over
      }
    }
    if (engine.captures() && capturedBy != Thread.currentThread()) {
      capture();
    }
    uploadAll();
    for (int launched = 0; launched < most; launched++) {
      cancellation.throwIfCancelled();
      step.forEach(Launch::run);
    }
  }

  /** Takes what a round sampled; returns the sequences that ended, whose slots are free again. */
  List<DecodedSequence> collect() {
    read();
    List<Integer> undecided = new ArrayList<>();
    for (int slot = 0; slot < slots; slot++) {
      if (sequences[slot] != null && !take(slot)) {
        undecided.add(slot);
      }
    }
    if (!undecided.isEmpty()) {
      sortAll(undecided);
    }
    List<DecodedSequence> ended = new ArrayList<>();
    for (int slot = 0; slot < slots; slot++) {
      DecodedSequence sequence = sequences[slot];
      if (sequence != null && sequence.isFinished()) {
        ended.add(sequence);
        leave(slot);
      } else if (sequence != null && get(Row.ACTIVE, slot) == 0) {
        throw new IllegalStateException("a slot ended before its sequence did");
      }
    }
    return ended;
  }

  private void setUniform(int step, int slot, double value) {
    uniforms.host().setAtIndex(JAVA_DOUBLE, (long) step * slots + slot, value);
  }

  private void read() {
    state.download();
    tokens.download();
    logProbabilities.download();
    engine.device().synchronize();
  }

  /** Hands a slot's log to its sequence; whether no step was undecided. */
  private boolean take(int slot) {
    int logged = (int) get(Row.STEP, slot);
    for (int step = 0; step < logged; step++) {
      long index = (long) step * slots + slot;
      long token = tokens.host().getAtIndex(JAVA_LONG, index);
      if (token == StepGraph.UNDECIDED) {
        return false;
      }
      if (!sequences[slot].isFinished()) {
        sequences[slot].add((int) token, logProbabilities.host().getAtIndex(JAVA_FLOAT, index));
      }
    }
    return true;
  }

  /**
   * Samples the next token of slots whose sample may be none of the likeliest: a step that sorts
   * all where it must, while the other slots are idle.
   */
  private void sortAll(List<Integer> undecided) {
    if (sorting.isEmpty()) {
      sorting = new ArrayList<>(step.subList(0, step.size() - 1));
      sorting.add(launch(engine.step(new StepGraph.Shape(slots, steps, 0)), false));
    }
    long[] active = new long[slots];
    for (int slot = 0; slot < slots; slot++) {
      active[slot] = get(Row.ACTIVE, slot);
      set(Row.ACTIVE, slot, 0);
      set(Row.STEP, slot, 0);
    }
    for (int slot : undecided) {
      set(Row.ACTIVE, slot, 1);
      setUniform(0, slot, sequences[slot].uniform(0));
    }
    uploadAll();
    engine.countSortedStep();
    sorting.forEach(Launch::run);
    read();
    for (int slot = 0; slot < slots; slot++) {
      if (undecided.contains(slot)) {
        if (!take(slot)) {
          throw new IllegalStateException("a step that sorts all tokens was undecided");
        }
      } else {
        set(Row.ACTIVE, slot, active[slot]);
      }
    }
  }

  @Override
  public void close() {
    while (!owned.isEmpty()) {
      try {
        owned.pop().close();
      } catch (RuntimeException e) {
        throw e;
      } catch (Exception e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
