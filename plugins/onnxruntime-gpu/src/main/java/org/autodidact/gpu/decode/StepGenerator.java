package org.autodidact.gpu.decode;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.autodidact.api.Cancellation;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.Scorer;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.gpu.graph.Operators;
import org.autodidact.gpu.graph.StepGraph;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.OrtLibrary;
import org.autodidact.onnxruntime.backend.CacheBudget;
import org.autodidact.onnxruntime.batching.GenerationJob;
import org.autodidact.onnxruntime.batching.TemplatePrefixes;
import org.autodidact.onnxruntime.batching.UniqueIds;

/**
 * Generates by one graph a step over slots ({@link SlotBatch}): a sequence that ends leaves its
 * slot to the next, and its prompt's keys and values to others of the same prompt. Tokens are
 * sampled as on the CPU, so that a seed gives the same tokens wherever rounding errors do not
 * separate them (tested on ONNX Runtime's CPU provider; unmeasured on a GPU).
 */
public final class StepGenerator implements Generator {
  /** Memory budget of the cache where none is set, on a GPU (not measured). */
  private static final long DEFAULT_CACHE_BYTES = 8L << 30;

  /** Tokens of a slot are a multiple of this, so that calls of like lengths share a batch. */
  private static final int CAPACITY_STEP = 64;

  /**
   * How it decodes.
   *
   * @param slots sequences at a time, at most
   * @param stepsPerRead steps that are launched before the host reads what was sampled
   * @param likeliest tokens that a step sorts; where the sample may be none of them, that step is
   *     done again with all
   */
  public record Decoding(int slots, int stepsPerRead, int likeliest) {}

  /**
   * Where and in which numbers it computes.
   *
   * @param device opens the device
   * @param name the device's
   * @param operators of the graphs where both compute the same
   */
  public record Place(
      OrtLibrary library,
      String name,
      Supplier<Device> device,
      ElementType type,
      Operators operators) {
    /** With fused operators. */
    public Place(OrtLibrary library, String name, Supplier<Device> device, ElementType type) {
      this(library, name, device, type, Operators.FUSED);
    }
  }

  private final ModelFolder model;
  private final DecoderEngine engine;
  private final long budget;
  private final boolean keepsEngine;
  private boolean closed;

  private StepGenerator(
      ModelFolder model, DecoderEngine engine, ComputeSettings settings, boolean keepsEngine) {
    this.model = model;
    this.engine = engine;
    this.budget =
        CacheBudget.requested(
            settings, engine.device().captures() ? DEFAULT_CACHE_BYTES : CacheBudget.DEFAULT_BYTES);
    this.keepsEngine = keepsEngine;
  }

  /**
   * Opens a checkpoint.
   *
   * @param model is closed with the generator
   * @param keepsEngine whether memory, graphs and captured steps stay when it is closed, for the
   *     next checkpoint of the same architecture, whose opening is a copy of its weights then
   */
  public static StepGenerator open(
      ModelFolder model,
      Place place,
      Decoding decoding,
      ComputeSettings settings,
      boolean keepsEngine) {
    DecoderEngine.Key key =
        new DecoderEngine.Key(
            place.library(),
            place.name(),
            place.type(),
            place.operators(),
            model.config(),
            model.ends().tokens().stream().map(i -> (long) i).sorted().toList(),
            decoding,
            settings.threads());
    Optional<DecoderEngine> kept = KeptEngine.take(key);
    DecoderEngine engine =
        kept.orElseGet(() -> new DecoderEngine(place.device().get(), model, key));
    try {
      if (kept.isPresent()) {
        engine.load(model);
      }
      return new StepGenerator(model, engine, settings, keepsEngine);
    } catch (RuntimeException | Error e) {
      engine.close();
      throw e;
    }
  }

  /** Frees what closed generators have kept. */
  public static void releaseKept() {
    KeptEngine.release();
  }

  /** Refuses a model that these graphs do not compute. */
  public static void check(ModelFolder model) {
    StepGraph.capabilities("the generator onnxruntime-gpu")
        .require(model.path(), model.config(), "; use the generator onnxruntime");
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    UniqueIds.require("prompt", requests, request -> request.prompt().id());
    TemplatePrefixes templates = new TemplatePrefixes(model.encoder());
    List<GenerationJob> jobs = new ArrayList<>();
    for (GenerationRequest request : requests) {
      GenerationJob.requireNoPenalty(request, ", or the generator onnxruntime with device cpu");
      int[] tokens = GenerationJob.promptTokens(request, model);
      int template = templates.length(request.prompt(), tokens);
      GenerationJob job = new GenerationJob(request, tokens, template, model);
      job.requireMemory(bytesPerToken() * capacity(job.maxLength()), budget);
      jobs.add(job);
    }
    Deque<DecodedSequence> waiting = new ArrayDeque<>();
    jobs.stream()
        .sorted(Comparator.comparingInt(GenerationJob::maxLength).reversed())
        .forEach(
            job -> {
              for (int i = 0; i < job.request().seeds().size(); i++) {
                waiting.add(new DecodedSequence(job, i, model));
              }
            });
    if (waiting.isEmpty()) {
      return;
    }
    SlotBatch slots = batch(waiting);
    SlotAdmission admission = new SlotAdmission(slots, engine.prefiller());
    try {
      List<DecodedSequence> ended = List.of();
      while (!waiting.isEmpty() || !slots.isEmpty()) {
        try {
          cancellation.throwIfCancelled();
          admission.admit(waiting, cancellation);
          slots.launch(cancellation);
        } finally {
          // While the device computes: texts are decoded, and who asked stores them.
          ended.forEach(sequence -> sequence.finish().ifPresent(results));
        }
        ended = slots.collect();
      }
      ended.forEach(sequence -> sequence.finish().ifPresent(results));
    } finally {
      slots.clear();
    }
  }

  private long bytesPerToken() {
    return KvMemory.bytesPerToken(model.config(), engine.type());
  }

  /** Tokens of a slot for sequences of this length. */
  private int capacity(int length) {
    int rounded = (length + CAPACITY_STEP - 1) / CAPACITY_STEP * CAPACITY_STEP;
    return Math.max(2, Math.min(rounded, model.config().contextLength()));
  }

  /** A batch for sequences, the longest of which is the first. */
  private SlotBatch batch(Deque<DecodedSequence> sequences) {
    int capacity = capacity(sequences.getFirst().job().maxLength());
    long affordable = Math.max(1, budget / (bytesPerToken() * capacity));
    int most = (int) Math.min(engine.key().decoding().slots(), affordable);
    int slots = Math.min(powerOfTwo(sequences.size()), Integer.highestOneBit(most));
    return engine.batch(slots, capacity);
  }

  /** The least power of two that is not below a number. */
  private static int powerOfTwo(int number) {
    int highest = Integer.highestOneBit(number);
    return highest == number ? number : 2 * highest;
  }

  /** Tokens that have been computed for prompts and texts so far. */
  long prefilledTokens() {
    return engine.prefiller().computed();
  }

  /** Steps that were done again with all tokens sorted, so far. */
  long sortedSteps() {
    return engine.sortedSteps();
  }

  @Override
  public Optional<Scorer> scorer() {
    return Optional.of(new PrefillScorer(model, engine.prefiller(), engine.type()));
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try (model) {
      if (keepsEngine) {
        KeptEngine.keep(engine);
      } else {
        engine.close();
      }
    }
  }
}
