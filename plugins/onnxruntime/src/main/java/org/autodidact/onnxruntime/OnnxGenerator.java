package org.autodidact.onnxruntime;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Deque;
import java.util.HashSet;
import java.util.List;
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

/**
 * Generates with ONNX Runtime. A prompt is computed once for all of its candidates; a candidate
 * that ends leaves the batch and the next prompt enters; the longest go first.
 *
 * <p>Automatic precision rounds the weights of all but small models to 8 bits ({@link
 * Int8Weights}); float32 is there by name.
 *
 * <p>In float32 a candidate's tokens are the same alone and in any batch: every row is computed by
 * sums in the same order (tested). The last bits of log-probabilities are, too, on the processors
 * tested, but ONNX Runtime does not promise it.
 */
final class OnnxGenerator implements Generator {
  /** Rows that decode together at most; more gain little on a CPU. */
  private static final int MAX_ROWS = 64;

  /** Hidden size below which products are too small for 8 bits to be faster. */
  private static final int SMALLEST_ROUNDED = 256;

  private static final long DEFAULT_CACHE_BYTES = 2L << 30;

  private final ModelFolder model;
  private final DecoderSession session;
  private final ComputeSettings settings;
  private boolean closed;

  private OnnxGenerator(ModelFolder model, DecoderSession session, ComputeSettings settings) {
    this.model = model;
    this.session = session;
    this.settings = settings;
  }

  static OnnxGenerator open(Checkpoint checkpoint, ComputeSettings settings) {
    ModelFolder model = ModelFolder.open(checkpoint.folder());
    try {
      int threads = settings.effectiveThreads();
      Optional<Int8Weights> int8 =
          rounds(settings.precision(), model.config())
              ? Optional.of(Int8Weights.of(model, Int8Kernel.signedIsExact(), threads))
              : Optional.empty();
      return new OnnxGenerator(model, new DecoderSession(model, threads, int8), settings);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /** Automatic precision is 8 bits where the model is large enough to gain by it. */
  private static boolean rounds(ComputeSettings.Precision precision, ModelConfig config) {
    return precision == ComputeSettings.Precision.INT8
        || (precision == ComputeSettings.Precision.AUTO
            && config.hiddenSize() >= SMALLEST_ROUNDED
            && Int8Weights.supports(config));
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    Set<String> ids = new HashSet<>();
    List<Job> jobs = new ArrayList<>();
    for (GenerationRequest request : requests) {
      if (!ids.add(request.prompt().id())) {
        throw new InvalidInputException(
            "prompt id '" + request.prompt().id() + "' occurs twice; ids must be unique in a call");
      }
      jobs.add(new Job(request, encode(request)));
    }
    if (jobs.isEmpty()) {
      return;
    }
    int places = jobs.stream().mapToInt(this::places).max().orElseThrow();
    session.cache().layOut(rows(jobs, places), places);
    jobs.sort(Comparator.comparingInt(this::places).reversed());
    Deque<Job> waiting = new ArrayDeque<>(jobs);
    new DecodingBatch(model, session, settings.effectiveThreads(), results, cancellation)
        .run(waiting);
  }

  private int[] encode(GenerationRequest request) {
    int[] tokens = model.encoder().prompt(request.prompt().messages());
    requireFits(model.config(), request.prompt().id(), tokens, 1);
    return tokens;
  }

  /** Refuses what the context or the embedding cannot hold. */
  static void requireFits(ModelConfig config, String promptId, int[] tokens, int more) {
    if (tokens.length + more > config.contextLength()) {
      throw new InvalidInputException(
          "prompt '"
              + promptId
              + "' has "
              + tokens.length
              + " tokens; the model's context holds "
              + config.contextLength()
              + ", and an answer needs at least one; shorten the prompt");
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

  /** Places in the cache that a candidate of the job may fill. */
  private int places(Job job) {
    return Math.min(
        model.config().contextLength(),
        job.promptTokens().length + job.request().sampling().maxTokens());
  }

  private int rows(List<Job> jobs, int places) {
    long wanted = jobs.stream().mapToLong(j -> j.request().seeds().size()).sum();
    return (int) Math.min(wanted, affordableRows(places));
  }

  /** Rows of this length that the memory budget holds. */
  int affordableRows(int places) {
    long budget =
        settings.memoryMegabytes() > 0
            ? (long) settings.memoryMegabytes() << 20
            : DEFAULT_CACHE_BYTES;
    long row = KeyValueCache.bytesPerPlace(model.config()) * places;
    if (row > budget) {
      throw new InvalidInputException(
          "one sequence of "
              + places
              + " tokens needs "
              + ((row >> 20) + 1)
              + " MiB of cache, the budget is "
              + (budget >> 20)
              + " MiB; raise --memory or lower --max-tokens");
    }
    return (int) Math.min(MAX_ROWS, budget / row);
  }

  @Override
  public Optional<Scorer> scorer() {
    return Optional.of(new OnnxScorer(model, session, this));
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      try {
        session.close();
      } finally {
        model.close();
      }
    }
  }
}
