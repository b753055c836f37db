package org.autodidact.spark.driver;

import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.TreeMap;
import java.util.function.Consumer;
import org.apache.spark.SparkContext;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.api.Usage;
import org.autodidact.spark.executor.Delegates.Delegate;
import org.autodidact.spark.executor.ModelHolder;
import org.autodidact.spark.executor.PartitionTask;
import org.autodidact.spark.executor.PartitionTask.Work;
import org.autodidact.spark.wire.ModelSpec;
import org.autodidact.spark.wire.ModelSpec.Versions;
import org.autodidact.spark.wire.SentCheckpoint;
import org.autodidact.spark.wire.Wire;

/**
 * Lets executors generate and score. It has no model itself: what it asks carries the seeds and
 * what executors open, so that an answer depends on neither the number of partitions nor the
 * executor.
 */
public final class SparkGenerator implements Generator {
  /** Requests in a partition at most, where nobody says how many partitions there are. */
  private static final int REQUESTS_PER_PARTITION = 64;

  private final Settings settings;
  private final ModelSpec model;
  private final boolean scores;
  private final Map<Integer, OptionalDouble> roundings = new HashMap<>();
  private Usage usage = Usage.NONE;

  private SparkGenerator(Settings settings, ModelSpec model, boolean scores) {
    this.settings = settings;
    this.model = model;
    this.scores = scores;
  }

  /**
   * How it uses Spark.
   *
   * @param master where Spark has none yet
   * @param partitions of a call; empty: as many as are useful
   * @param checkpoints the way of checkpoints to executors
   * @param options of the generator on executors
   */
  public record Settings(
      Optional<String> master,
      Optional<Integer> partitions,
      String checkpoints,
      Map<String, String> options) {}

  /** Starts Spark where it has not started and sends the checkpoint; executors open it later. */
  public static SparkGenerator open(
      Delegate delegate, Settings settings, GeneratorContext context) {
    SparkContext spark = SparkContexts.get(settings.master());
    SentCheckpoint sent =
        Transport.send(context.checkpoint(), settings.checkpoints(), spark, context.cancellation());
    ModelSpec model =
        ModelSpec.of(
            new Versions(PartitionTask.version(), delegate.plugin().version()),
            delegate.provider().name(),
            sent,
            new TreeMap<>(settings.options()),
            context);
    return new SparkGenerator(
        settings, model, delegate.provider().capabilities().contains(GeneratorCapability.SCORES));
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    requireUnique(requests.stream().map(request -> request.prompt().id()).toList());
    run(
        Work.GENERATE,
        requests.stream().map(Wire::bytes).toList(),
        bytes -> results.accept(Wire.generation(bytes)),
        cancellation);
  }

  private static void requireUnique(List<String> ids) {
    Set<String> seen = new HashSet<>();
    for (String id : ids) {
      if (!seen.add(id)) {
        throw new InvalidInputException(
            "prompt id '" + id + "' occurs twice; ids must be unique in a call");
      }
    }
  }

  private void run(
      Work work, List<byte[]> requests, Consumer<byte[]> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    if (requests.isEmpty()) {
      return;
    }
    SparkContext spark = SparkContexts.get(settings.master());
    String description =
        model.checkpoint().name() + ": " + requests.size() + " requests to " + work;
    int partitions = partitions(spark, requests.size());
    new SparkJob(spark, description)
        .run(
            requests,
            partitions,
            new PartitionTask(model, work),
            partition -> {
              usage =
                  usage.plus(
                      new Usage(partition.requests(), partition.tokensIn(), partition.tokensOut()));
              for (byte[] result : partition.list()) {
                cancellation.throwIfCancelled();
                results.accept(result);
              }
            },
            cancellation);
  }

  private int partitions(SparkContext spark, int requests) {
    int useful =
        Math.max(
            SparkContexts.slots(spark),
            (requests + REQUESTS_PER_PARTITION - 1) / REQUESTS_PER_PARTITION);
    return Math.min(requests, settings.partitions().orElse(useful));
  }

  @Override
  public Optional<Scorer> scorer() {
    return scores ? Optional.of(new ExecutorsScorer()) : Optional.empty();
  }

  @Override
  public Usage usage() {
    return usage;
  }

  /**
   * Executors keep the model until they are asked for another one or end; without a cluster this
   * process is the executor, and closes it.
   */
  @Override
  public void close() {
    ModelHolder.release(model);
  }

  private final class ExecutorsScorer implements Scorer {
    @Override
    public void score(
        List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
      requireUnique(requests.stream().map(request -> request.prompt().id()).toList());
      run(
          Work.SCORE,
          requests.stream().map(Wire::bytes).toList(),
          bytes -> results.accept(Wire.scoring(bytes)),
          cancellation);
    }

    /** Asks an executor, once for each number. */
    @Override
    public OptionalDouble rounding(int tokens) {
      if (!roundings.containsKey(tokens)) {
        run(
            Work.ROUNDING,
            List.of(Wire.bytes(tokens)),
            bytes -> roundings.put(tokens, Wire.optional(bytes)),
            new Cancellation());
      }
      return roundings.getOrDefault(tokens, OptionalDouble.empty());
    }
  }
}
