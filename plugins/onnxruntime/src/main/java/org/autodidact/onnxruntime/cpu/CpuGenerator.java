package org.autodidact.onnxruntime.cpu;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Scorer;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.DecoderBackend;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.batching.AdmissionQueue;
import org.autodidact.onnxruntime.batching.ContinuousBatch;
import org.autodidact.onnxruntime.batching.GenerationJob;
import org.autodidact.onnxruntime.batching.TemplatePrefixes;
import org.autodidact.onnxruntime.batching.Workers;
import org.autodidact.onnxruntime.graph.DecoderGraph;
import org.autodidact.onnxruntime.graph.FloatKvCache;
import org.autodidact.onnxruntime.graph.GraphBackend;
import org.autodidact.onnxruntime.quantization.BlockInt8Weights;
import org.autodidact.onnxruntime.quantization.Calibration;
import org.autodidact.onnxruntime.quantization.Int8MatMulCheck;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.autodidact.onnxruntime.quantization.QuantizedWeights;
import org.autodidact.onnxruntime.vector.Int8KvCache;
import org.autodidact.onnxruntime.vector.VectorBackend;
import org.autodidact.onnxruntime.vector.VectorWeights;
import org.autodidact.vectors.VectorSupport;

/**
 * Generates with ONNX Runtime. A prompt is computed once for all of its candidates, and what
 * prompts have in common once for all of them; a candidate that ends leaves the batch and the next
 * prompt enters; the longest go first.
 *
 * <p>Automatic precision rounds the weights of all but small models to 8 bits ({@link
 * Int8Weights}); float32 is there by name. In 8 bits {@link VectorBackend} computes where the JVM
 * has the Vector API and the model nothing that is not written for it; elsewhere, and in float32,
 * ONNX Runtime computes whole graphs ({@link GraphBackend}).
 *
 * <p>In float32 a candidate's tokens are the same alone and in any batch: every row is computed by
 * sums in the same order (tested). The last bits of log-probabilities are, too, on the processors
 * tested, but ONNX Runtime does not promise it. In 8 bits a request's candidates are the same in
 * any call (tested), but together they read their prompt by sums in another order than one alone.
 */
public final class CpuGenerator implements Generator {
  /** Prompt tokens that the other candidates save, from which on sharing them is faster. */
  private static final int WORTH_A_GROUP = 64;

  /** Hidden size below which products are too small for 8 bits to be faster. */
  private static final int SMALLEST_ROUNDED = 256;

  private static final long DEFAULT_CACHE_BYTES = 2L << 30;

  /** More than the texts of {@link Calibration} have. */
  private static final long LEAST_POSITIONS = 4096;

  /** Of a mean of log-probabilities, as {@link Scorer#rounding}. */
  public static final double FP32_ROUNDING = 5e-4;

  /**
   * The same in 8 bits, of one token and of any number: measured on SmolLM2, a token's deviates by
   * 0.13 and the mean of 1048 lies 0.010 off; other models may do somewhat worse.
   */
  private static final double INT8_ROUNDING = 0.8;

  private static final double INT8_BIAS = 0.03;

  private static final System.Logger LOGGER = System.getLogger(CpuGenerator.class.getName());

  private final ModelFolder model;
  private final ComputeSettings settings;
  private final Optional<QuantizedWeights> rounded;
  private final DecoderBackend engine;
  private boolean closed;

  private CpuGenerator(
      ModelFolder model,
      Optional<QuantizedWeights> rounded,
      ComputeSettings settings,
      DecoderBackend engine) {
    this.model = model;
    this.settings = settings;
    this.rounded = rounded;
    this.engine = engine;
  }

  /** In 8 bits prompts are shared; float32 is there to be exact. */
  public static CpuGenerator open(Checkpoint checkpoint, ComputeSettings settings) {
    return open(checkpoint, settings, new Cancellation());
  }

  /** The same; asks {@code cancellation} between pieces of work of less than a second. */
  public static CpuGenerator open(
      Checkpoint checkpoint, ComputeSettings settings, Cancellation cancellation) {
    return open(checkpoint, settings, false, true, cancellation);
  }

  /** {@link #open(Checkpoint, ComputeSettings, boolean, boolean, Cancellation)} uncancelled. */
  public static CpuGenerator open(
      Checkpoint checkpoint,
      ComputeSettings settings,
      boolean alwaysSharesPrefixes,
      boolean byVectors) {
    return open(checkpoint, settings, alwaysSharesPrefixes, byVectors, new Cancellation());
  }

  /**
   * @param alwaysSharesPrefixes in float32, too
   * @param byVectors whether 8 bits are computed by {@link VectorBackend} where it can be had
   */
  public static CpuGenerator open(
      Checkpoint checkpoint,
      ComputeSettings settings,
      boolean alwaysSharesPrefixes,
      boolean byVectors,
      Cancellation cancellation) {
    cancellation.throwIfCancelled();
    ModelFolder model = ModelFolder.open(checkpoint.folder());
    int threads = settings.effectiveThreads();
    int positions = positions(model.config(), settings);
    Optional<QuantizedWeights> rounded = Optional.empty();
    try {
      if (settings.precision() == ComputeSettings.Precision.INT8_WEIGHTS) {
        rounded = Optional.of(BlockInt8Weights.of(model, cancellation));
      } else if (rounds(settings.precision(), model)) {
        Int8Weights int8 = Int8Weights.of(model, Int8MatMulCheck.isExact(), threads, cancellation);
        rounded = Optional.of(int8);
        if (!VectorSupport.available()) {
          LOGGER.log(
              System.Logger.Level.WARNING,
              "{0}: 8 bits are computed without the JVM''s vectors, more slowly and in another order:"
                  + " a seed draws other texts than with java --add-modules jdk.incubator.vector",
              model.path());
        }
        if (byVectors && VectorWeights.supports(model.config())) {
          int8.roundAgain(VectorBackend.calibrate(model, int8, threads, positions), threads);
          DecoderBackend engine = new VectorBackend(model.config(), int8, threads, positions);
          return new CpuGenerator(model, rounded, settings, engine);
        }
      }
      cancellation.throwIfCancelled();
      boolean shares = rounded.isPresent() && DecoderGraph.PREFIX_SHARING.supports(model.config());
      DecoderBackend engine =
          new GraphBackend(model, rounded, threads, alwaysSharesPrefixes || shares, positions);
      return new CpuGenerator(model, rounded, settings, engine);
    } catch (RuntimeException | Error e) {
      rounded.ifPresent(QuantizedWeights::close);
      model.close();
      throw e;
    }
  }

  /** As {@link Scorer#rounding}. */
  double rounding(int tokens) {
    return rounded.isEmpty() ? FP32_ROUNDING : INT8_ROUNDING / Math.sqrt(tokens) + INT8_BIAS;
  }

  public ModelFolder model() {
    return model;
  }

  public DecoderBackend engine() {
    return engine;
  }

  /** Automatic precision is 8 bits where the model is large enough to gain by it. */
  private static boolean rounds(ComputeSettings.Precision precision, ModelFolder model) {
    boolean automatic =
        precision == ComputeSettings.Precision.AUTO
            && model.config().hiddenSize() >= SMALLEST_ROUNDED;
    boolean supported = Int8Weights.CAPABILITIES.supports(model.config());
    if (automatic && !supported) {
      LOGGER.log(
          System.Logger.Level.WARNING,
          "{0}: precision auto is float32 here; {1}",
          model.path(),
          Int8Weights.CAPABILITIES.verdict(model.config()));
    }
    return precision == ComputeSettings.Precision.INT8 || (automatic && supported);
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    Set<String> ids = new HashSet<>();
    Map<Kind, List<GenerationJob>> byKind = new LinkedHashMap<>();
    TemplatePrefixes templates = new TemplatePrefixes(model.encoder());
    for (GenerationRequest request : requests) {
      if (!ids.add(request.prompt().id())) {
        throw new InvalidInputException(
            "prompt id '" + request.prompt().id() + "' occurs twice; ids must be unique in a call");
      }
      int[] tokens = encode(request);
      boolean shares = sharesPrompt(request, tokens.length);
      int common = shares ? templates.common(request.prompt(), tokens) : 0;
      GenerationJob job = new GenerationJob(request, tokens, common, model);
      byKind.computeIfAbsent(new Kind(shares, job.common()), k -> new ArrayList<>()).add(job);
    }
    byKind.forEach((kind, jobs) -> affordableRows(jobs, kind.shared(), 1));
    for (Map.Entry<Kind, List<GenerationJob>> kind : byKind.entrySet()) {
      generate(kind.getValue(), kind.getKey().shared(), results, cancellation);
    }
  }

  private boolean sharesPrompt(GenerationRequest request, int promptTokens) {
    return engine.sharesPrefixes() && (request.seeds().size() - 1) * promptTokens >= WORTH_A_GROUP;
  }

  /**
   * How a request is computed: whether its candidates share their prompt, and with others its
   * template. It depends on the request alone, as do the last bits of what it gives.
   */
  private record Kind(boolean shared, List<Integer> common) {}

  private void generate(
      List<GenerationJob> jobs,
      boolean shared,
      Consumer<Generation> results,
      Cancellation cancellation) {
    int rows = jobs.stream().mapToInt(j -> j.request().seeds().size()).sum();
    int perRow = perRow(jobs, shared);
    int prompt = longestPrompt(jobs);
    int best = engine.splitDecoding(rows);
    int batches = affords(perRow + prompt, best) ? best : 1;
    engine.prepare(batches);
    int each = Math.min((rows + batches - 1) / batches, affordableRows(jobs, shared, batches));
    int least = leastCandidates(jobs);
    AdmissionQueue waiting = new AdmissionQueue(jobs, each);
    int groups = shared ? (each + least - 1) / Math.min(least, each) : 0;
    List<Workers.Worker<Generation>> workers = new ArrayList<>();
    for (int i = 0; i < batches; i++) {
      DecoderSession stream = engine.stream(i);
      stream.cache().layOut(each, perRow);
      stream.prefixes().layOut(groups, prompt - waiting.common());
      stream.common().layOut(waiting.common() > 0 ? 1 : 0, waiting.common());
      stream.desk().layOut(waiting.alike() ? 1 : 0, prompt);
      workers.add(
          (found, stop) -> new ContinuousBatch(model, stream, waiting, shared, found, stop).run());
    }
    Workers.run(workers, results, cancellation);
  }

  /** Places of a row's own cache. */
  private static int perRow(List<GenerationJob> jobs, boolean shared) {
    return jobs.stream()
        .mapToInt(job -> shared ? job.answerPlaces() + 1 : job.places())
        .max()
        .orElseThrow();
  }

  private static int longestPrompt(List<GenerationJob> jobs) {
    return jobs.stream().mapToInt(job -> job.promptTokens().length).max().orElseThrow();
  }

  private static int leastCandidates(List<GenerationJob> jobs) {
    return jobs.stream().mapToInt(job -> job.request().seeds().size()).min().orElseThrow();
  }

  private int affordableRows(List<GenerationJob> jobs, boolean shared, int batches) {
    int perRow = perRow(jobs, shared);
    return shared
        ? affordableRows(perRow, longestPrompt(jobs), leastCandidates(jobs), batches)
        : affordableRows(perRow, batches);
  }

  private int[] encode(GenerationRequest request) {
    int[] tokens = model.encoder().prompt(request.prompt().messages());
    requireFits(model.config(), request.prompt().id(), tokens, 1);
    return tokens;
  }

  /** Refuses what the context or the embedding cannot hold. */
  public static void requireFits(ModelConfig config, String promptId, int[] tokens, int more) {
    if (tokens.length + more > config.contextLength()) {
      throw new InvalidInputException(
          "prompt '"
              + promptId
              + "' has "
              + tokens.length
              + " tokens; the model's context holds "
              + config.contextLength()
              + ", and an answer needs at least one; shorten the prompt, or what was filled into it");
    }
    for (int token : tokens) {
      if (token < 0 || token >= config.vocabularySize()) {
        throw new InvalidInputException(
            "prompt '"
                + promptId
                + "' has token id "
                + token
                + ", the embedding has ids 0 to "
                + (config.vocabularySize() - 1)
                + "; tokenizer and weights do not belong together");
      }
    }
  }

  /**
   * Rows of this length that a batch's part of the memory budget holds.
   *
   * @param batches that share the budget
   */
  int affordableRows(int places, int batches) {
    return affordableRows(places, 0, 1, batches);
  }

  /** The same, where every {@code share} rows have a prompt in common. */
  private int affordableRows(int places, int prompt, int share, int batches) {
    if (!affords(places + prompt, batches)) {
      throw new InvalidInputException(
          "one sequence of "
              + (places + prompt)
              + " tokens needs "
              + ((bytesPerPlace() * (places + prompt) >> 20) + 1)
              + " MiB of cache, the budget is "
              + (budget() >> 20)
              + " MiB; raise --memory"
              + (engine.roomForCaches() <= budget() ? " and the JVM's heap (-Xmx)" : "")
              + ", or shorten the prompt or --max-tokens");
    }
    // The last group may be a part of one, so that there is one more than shares make.
    long each = bytesPerPlace() * places + bytesPerPlace() * prompt / share;
    long most = (budget() / batches - bytesPerPlace() * prompt) / each;
    return (int) Math.min(engine.mostRows(batches), Math.max(1, most));
  }

  /** Whether each of some batches can have a row of this length. */
  boolean affords(int places, int batches) {
    return bytesPerPlace() * places * batches <= budget();
  }

  private long bytesPerPlace() {
    return engine.bytesPerPlace();
  }

  private long budget() {
    return Math.min(wanted(settings), engine.roomForCaches());
  }

  private static long wanted(ComputeSettings settings) {
    return settings.memoryMegabytes() > 0
        ? (long) settings.memoryMegabytes() << 20
        : DEFAULT_CACHE_BYTES;
  }

  /**
   * The longest sequence that the context and the budget of memory hold. What is computed for each
   * position beforehand is no longer than that, whatever context a model says it has.
   */
  private static int positions(ModelConfig config, ComputeSettings settings) {
    long each = Math.min(FloatKvCache.bytesPerPlace(config), Int8KvCache.bytesPerPlace(config));
    return (int)
        Math.min(config.contextLength(), Math.max(LEAST_POSITIONS, wanted(settings) / each));
  }

  @Override
  public Optional<Scorer> scorer() {
    return Optional.of(new CpuScorer(this));
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try {
        engine.close();
      } finally {
        rounded.ifPresent(QuantizedWeights::close);
        model.close();
      }
    }
  }
}
