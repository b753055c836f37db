package org.autodidact.spark.executor;

import java.io.Serializable;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.apache.spark.TaskContext;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Generator;
import org.autodidact.api.Scorer;
import org.autodidact.api.Usage;
import org.autodidact.spark.wire.ModelSpec;
import org.autodidact.spark.wire.PartitionResult;
import org.autodidact.spark.wire.PartitionResult.Failure;
import org.autodidact.spark.wire.Wire;
import scala.collection.Iterator;
import scala.runtime.AbstractFunction2;

/**
 * What Spark runs for a partition: all of its requests by one call of the executor's generator,
 * which batches them as it does on one machine. What it answers depends on the requests alone, so
 * that Spark may run it again, elsewhere or twice at once.
 */
public final class PartitionTask
    extends AbstractFunction2<TaskContext, Iterator<byte[]>, PartitionResult>
    implements Serializable {
  private static final long serialVersionUID = 1L;

  /** What is asked. */
  public enum Work {
    GENERATE,
    SCORE,
    /** {@link Scorer#rounding}. */
    ROUNDING
  }

  private final ModelSpec model;
  private final Work work;

  public PartitionTask(ModelSpec model, Work work) {
    this.model = model;
    this.work = work;
  }

  @Override
  public PartitionResult apply(TaskContext context, Iterator<byte[]> partition) {
    String version = version();
    if (!version.equals(model.versions().spark())) {
      throw ModelHolder.otherVersion(Delegates.SPARK, version, model.versions().spark());
    }
    List<byte[]> requests = new ArrayList<>();
    while (partition.hasNext()) {
      requests.add(partition.next());
    }
    List<byte[]> results = new ArrayList<>();
    try (TaskKill kill = new TaskKill(context)) {
      Usage used =
          ModelHolder.use(
              model,
              kill.cancellation(),
              generator -> {
                Usage before = generator.usage();
                run(generator, requests, results::add, kill.cancellation());
                return difference(generator.usage(), before);
              });
      return result(results, used, Failure.NONE);
    } catch (AutodidactException e) {
      // What every executor would meet is an answer: Spark need not try it again.
      Failure failure = Failure.of(e).orElseThrow(() -> e);
      return result(results, Usage.NONE, failure);
    }
  }

  private void run(
      Generator generator,
      List<byte[]> requests,
      Consumer<byte[]> results,
      Cancellation cancellation) {
    switch (work) {
      case GENERATE ->
          generator.generate(
              requests.stream().map(Wire::generationRequest).toList(),
              generation -> results.accept(Wire.bytes(generation)),
              cancellation);
      case SCORE ->
          generator
              .scorer()
              .orElseThrow()
              .score(
                  requests.stream().map(Wire::scoringRequest).toList(),
                  scoring -> results.accept(Wire.bytes(scoring)),
                  cancellation);
      case ROUNDING -> {
        for (byte[] tokens : requests) {
          OptionalDouble rounding = generator.scorer().orElseThrow().rounding(Wire.number(tokens));
          results.accept(Wire.bytes(rounding));
        }
      }
    }
  }

  private static Usage difference(Usage after, Usage before) {
    return new Usage(
        after.requests() - before.requests(),
        after.tokensIn() - before.tokensIn(),
        after.tokensOut() - before.tokensOut());
  }

  private static PartitionResult result(List<byte[]> results, Usage usage, Failure failure) {
    return new PartitionResult(
        results.toArray(byte[][]::new),
        usage.requests(),
        usage.tokensIn(),
        usage.tokensOut(),
        failure);
  }

  /** The version of this plugin in this process; empty where its jar does not say. */
  public static String version() {
    String version = PartitionTask.class.getPackage().getImplementationVersion();
    return version == null ? "" : version;
  }
}
