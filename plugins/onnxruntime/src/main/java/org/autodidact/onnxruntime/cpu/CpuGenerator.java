package org.autodidact.onnxruntime.cpu;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.function.Consumer;
import java.util.function.ToIntFunction;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.ComputeSettings.Precision;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.Scorer;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.CacheBudget;
import org.autodidact.onnxruntime.backend.DecoderBackend;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.backend.SessionCaches;
import org.autodidact.onnxruntime.batching.AdmissionQueue;
import org.autodidact.onnxruntime.batching.ContinuousBatch;
import org.autodidact.onnxruntime.batching.GenerationJob;
import org.autodidact.onnxruntime.batching.TemplatePrefixes;
import org.autodidact.onnxruntime.batching.UniqueIds;
import org.autodidact.onnxruntime.batching.Workers;
import org.autodidact.onnxruntime.graph.DecoderGraph;
import org.autodidact.onnxruntime.quantization.BlockInt8Weights;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.autodidact.onnxruntime.quantization.OpeningThreads;

/**
 * Generates on the CPU with ONNX Runtime, by continuous batching. A prompt is prefilled once for
 * all of its candidates, and a common prefix once for all prompts; a finished candidate leaves the
 * batch and the next one enters, the longest first.
 *
 * <p>In float32 a candidate's tokens are the same alone and in any batch: every sequence is
 * computed by sums in the same order (tested). So are the last bits of log-probabilities on the
 * processors tested, but ONNX Runtime does not promise it. In int8 a request's candidates are the
 * same in any call (tested), but several candidates read their prompt by sums in another order than
 * one alone.
 */
public final class CpuGenerator implements Generator {
  /** Prompt tokens saved by sharing, from which on it is faster (not measured). */
  private static final int MIN_SAVED_TOKENS = AdmissionQueue.MIN_SHARED_TOKENS;

  private final ModelFolder model;
  private final BackendChoice choice;
  private final DecoderBackend backend;
  private final CacheBudget budget;
  private boolean closed;

  private CpuGenerator(ModelFolder model, BackendChoice choice, ComputeSettings settings) {
    this.model = model;
    this.choice = choice;
    this.backend = choice.backend();
    this.budget =
        new CacheBudget(backend, CacheBudget.requested(settings, CacheBudget.DEFAULT_BYTES));
  }

  /** Refuses a precision that no model is computed in. */
  public static void check(ComputeSettings settings) {
    if (settings.precision().equals(ComputeSettings.Precision.BF16)) {
      throw new UnsupportedModelException(
          "precision bf16 is not supported for generation: ONNX Runtime has no bf16 matrix products"
              + " on CPUs (docs/decisions); use int8, fp32 or auto");
    }
    if (!Precision.KNOWN.contains(settings.precision())) {
      throw new UnsupportedModelException(
          "precision "
              + settings.precision()
              + " is not there in the generator 'onnxruntime'; use int8, int8-weights, fp32 or auto");
    }
  }

  /** Refuses a model that cannot be computed in the precision that is wanted. */
  public static void check(ModelFolder model, ComputeSettings settings) {
    if (settings.precision().equals(Precision.INT8)) {
      Int8Weights.CAPABILITIES.require(model.path(), model.config(), "; use fp32");
    } else if (settings.precision().equals(Precision.INT8_WEIGHTS)) {
      BlockInt8Weights.CAPABILITIES.require(model.path(), model.config(), "; use int8 or fp32");
    } else {
      DecoderGraph.CAPABILITIES.require(model.path(), model.config(), "");
    }
  }

  /** Opens a checkpoint without options; nobody cancels it. */
  public static CpuGenerator open(Checkpoint checkpoint, ComputeSettings settings) {
    return open(new GeneratorContext(checkpoint, settings));
  }

  /**
   * Opens a checkpoint; the cancellation is checked at least once a second. In int8 candidates
   * share prompts; float32 is there to be exact.
   */
  public static CpuGenerator open(GeneratorContext context) {
    return open(context, false, true);
  }

  /**
   * Opens a checkpoint on the backend that the caller prefers.
   *
   * @param alwaysSharesPrefixes in float32, too
   * @param allowVectors whether int8 may be computed by the Vector API
   */
  public static CpuGenerator open(
      GeneratorContext context, boolean alwaysSharesPrefixes, boolean allowVectors) {
    context.cancellation().throwIfCancelled();
    ComputeSettings settings = context.compute();
    check(settings);
    // While the tokenizer is read.
    CompletableFuture<Void> loading = BackendChoice.load(settings);
    CompletableFuture<Void> warmUp =
        BackendChoice.warmUp(loading, settings, context.checkpoint().folder());
    try {
      return open(context, loading, alwaysSharesPrefixes, allowVectors);
    } finally {
      // No process ends in the midst of it. Where it failed, it is only slower.
      warmUp.handle((done, failure) -> done).join();
    }
  }

  private static CpuGenerator open(
      GeneratorContext context,
      CompletableFuture<Void> loading,
      boolean alwaysSharesPrefixes,
      boolean allowVectors) {
    ComputeSettings settings = context.compute();
    ModelFolder model = ModelFolder.open(context.checkpoint().folder(), context.clock());
    try {
      OpeningThreads.result(loading);
      return new CpuGenerator(
          model,
          BackendChoice.open(
              model, settings, alwaysSharesPrefixes, allowVectors, context.cancellation()),
          settings);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  public ModelFolder model() {
    return model;
  }

  public DecoderBackend backend() {
    return backend;
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    UniqueIds.require("prompt", requests, request -> request.prompt().id());
    Map<SharingMode, List<GenerationJob>> byMode = new LinkedHashMap<>();
    TemplatePrefixes templates = new TemplatePrefixes(model.encoder());
    for (GenerationRequest request : requests) {
      int[] tokens = GenerationJob.promptTokens(request, model);
      boolean shares = sharesPrompt(request, tokens.length);
      int template = shares ? templates.length(request.prompt(), tokens) : 0;
      GenerationJob job = new GenerationJob(request, tokens, template, model);
      byMode
          .computeIfAbsent(new SharingMode(shares, job.templatePrefix()), m -> new ArrayList<>())
          .add(job);
    }
    byMode.forEach((mode, jobs) -> slots(jobs, mode.sharesPrompts(), 1));
    for (Map.Entry<SharingMode, List<GenerationJob>> mode : byMode.entrySet()) {
      generate(mode.getValue(), mode.getKey().sharesPrompts(), results, cancellation);
    }
  }

  private boolean sharesPrompt(GenerationRequest request, int promptTokens) {
    return backend.sharesPrefixes()
        && (request.seeds().size() - 1) * promptTokens >= MIN_SAVED_TOKENS;
  }

  /**
   * Whether a request's candidates share their prompt's KV cache, and the template that its prompt
   * shares with others. Depends on the request alone, as do the last bits of its results.
   */
  private record SharingMode(boolean sharesPrompts, List<Integer> templatePrefix) {}

  private void generate(
      List<GenerationJob> jobs,
      boolean sharesPrompts,
      Consumer<Generation> results,
      Cancellation cancellation) {
    int sequences = jobs.stream().mapToInt(CpuGenerator::candidates).sum();
    int perSlot = tokensPerSlot(jobs, sharesPrompts);
    int prompt = most(jobs, job -> job.promptTokens().length);
    int fastest = backend.decodeSessions(sequences);
    int sessions = budget.affords(perSlot + prompt, fastest) ? fastest : 1;
    backend.prepare(sessions);
    int slots =
        Math.min((sequences + sessions - 1) / sessions, slots(jobs, sharesPrompts, sessions));
    int smallestGroup = fewestCandidates(jobs);
    AdmissionQueue waiting = new AdmissionQueue(jobs, slots);
    int groups = sharesPrompts ? (slots + smallestGroup - 1) / Math.min(smallestGroup, slots) : 0;
    int template = waiting.templateLength();
    List<Workers.Worker<Generation>> workers = new ArrayList<>();
    for (int i = 0; i < sessions; i++) {
      DecoderSession session = backend.session(i);
      SessionCaches caches = session.caches();
      caches.sequences().layOut(slots, perSlot);
      caches.groupPrefixes().layOut(groups, prompt - template);
      caches.templatePrefix().layOut(template > 0 ? 1 : 0, template);
      caches.prefixWorkspace().layOut(waiting.sharesPrefix() ? 1 : 0, prompt);
      workers.add(
          (found, stop) ->
              new ContinuousBatch(model, session, waiting, sharesPrompts, found, stop).run());
    }
    Workers.run(workers, results, cancellation);
  }

  private static int candidates(GenerationJob job) {
    return job.request().seeds().size();
  }

  private static int most(List<GenerationJob> jobs, ToIntFunction<GenerationJob> tokens) {
    return jobs.stream().mapToInt(tokens).max().orElseThrow();
  }

  private static int fewestCandidates(List<GenerationJob> jobs) {
    return jobs.stream().mapToInt(CpuGenerator::candidates).min().orElseThrow();
  }

  /** Capacity of a candidate's slot. */
  private static int tokensPerSlot(List<GenerationJob> jobs, boolean sharesPrompts) {
    return most(jobs, sharesPrompts ? job -> job.maxAnswer() + 1 : GenerationJob::maxLength);
  }

  /** Slots that each session can have; refuses what does not fit the budget even alone. */
  private int slots(List<GenerationJob> jobs, boolean sharesPrompts, int sessions) {
    int perSlot = tokensPerSlot(jobs, sharesPrompts);
    return sharesPrompts
        ? budget.slots(
            perSlot, most(jobs, job -> job.promptTokens().length), fewestCandidates(jobs), sessions)
        : budget.slots(perSlot, sessions);
  }

  @Override
  public Optional<Scorer> scorer() {
    return Optional.of(new CpuScorer(model, backend, budget, choice.isQuantized()));
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try (model) {
        choice.close();
      }
    }
  }
}
