package org.autodidact.onnxruntime;

import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import java.util.function.IntConsumer;
import java.util.stream.IntStream;
import java.util.stream.LongStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.backend.KvCache;
import org.autodidact.onnxruntime.backend.SessionCaches;
import org.autodidact.onnxruntime.batching.AdmissionQueue;
import org.autodidact.onnxruntime.batching.ContinuousBatch;
import org.autodidact.onnxruntime.batching.GenerationJob;
import org.autodidact.onnxruntime.batching.Sampler;
import org.autodidact.onnxruntime.gpu.GenerationLoopGraph;
import org.autodidact.onnxruntime.graph.DecoderGraph;
import org.autodidact.onnxruntime.graph.GraphLogits;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OperationsPerInvocation;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * JMH benchmarks of the generator's Java parts: sampling a token, scheduling a batch, and building
 * a decoder's graph. Run in this module with a checkpoint's folder:
 *
 * <pre>{@code
 * mvn -q test-compile dependency:build-classpath -Dmdep.outputFile=target/classpath.txt
 * java -cp target/test-classes:target/classes:$(cat target/classpath.txt) \
 *     org.openjdk.jmh.Main -jvmArgsAppend -Dmodel=FOLDER GeneratorBenchmark
 * }</pre>
 */
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 5, time = 1)
@Fork(1)
public class GeneratorBenchmark {
  /** Logits as a model gives them: a few likely tokens, the others far below. */
  @State(Scope.Thread)
  public static class SampledLogits {
    private static final int VOCABULARY = 49_152;

    /** Greedy, by top-p as the paper does, from all tokens, or from the likeliest 40. */
    @Param({"greedy", "top-p", "all", "top-k"})
    private String kind;

    private DecoderSession.Logits logits;
    private Sampler sampler;
    private Sampler.Scratch scratch;

    @Setup
    public void make() {
      Random random = new Random(1);
      FloatBuffer values = FloatBuffer.allocate(VOCABULARY);
      FloatBuffer probabilities = FloatBuffer.allocate(VOCABULARY);
      double sum = 0;
      for (int i = 0; i < VOCABULARY; i++) {
        values.put(i, (float) (3 * random.nextGaussian()));
        sum += Math.exp(values.get(i) / 0.7);
      }
      for (int i = 0; i < VOCABULARY; i++) {
        probabilities.put(i, (float) (Math.exp(values.get(i) / 0.7) / sum));
      }
      logits = new GraphLogits(values, probabilities, FloatBuffer.allocate(2), VOCABULARY);
      SamplingParameters paper = SamplingParameters.candidates(1);
      SamplingParameters parameters =
          switch (kind) {
            case "greedy" -> SamplingParameters.greedy(1);
            case "top-p" -> paper;
            case "all" -> new SamplingParameters(1, 0.7, 0, 1, 0, 1, paper.stop(), false);
            default -> new SamplingParameters(1, 0.7, 40, 1, 0, 1, paper.stop(), false);
          };
      sampler = new Sampler(parameters, 7, new int[0]);
      scratch = new Sampler.Scratch(VOCABULARY);
    }
  }

  /** Samples a token of 49,152. */
  @Benchmark
  public int sample(SampledLogits row) {
    return row.sampler.sample(row.logits, 0, row.scratch);
  }

  /** A checkpoint, by the system property {@code model}. */
  @State(Scope.Benchmark)
  public static class Model {
    private ModelFolder model;

    @Setup
    public void open() {
      model = ModelFolder.open(Path.of(System.getProperty("model")));
    }

    @TearDown
    public void close() {
      model.close();
    }
  }

  /** Builds the decoder's graph in float32, with shared prefixes. */
  @Benchmark
  public byte[] graph(Model model) {
    return DecoderGraph.build(
        model.model, Optional.empty(), true, model.model.config().contextLength());
  }

  /** Builds the GPU graph with its generation loop. */
  @Benchmark
  public byte[] loopGraph(Model model) {
    return GenerationLoopGraph.build(model.model);
  }

  private static final int PROMPTS = 64;
  private static final int CANDIDATES = 4;
  private static final int SLOTS = 64;
  private static final int MAX_TOKENS = 64;

  /** Tokens that {@link #schedule} generates. */
  private static final int TOKENS = PROMPTS * CANDIDATES * (MAX_TOKENS + 1) / 2;

  /** A decoder that takes no time. */
  private record NoDecoder(SessionCaches caches, Logits logits) implements DecoderSession {
    @Override
    public Logits run(Input input) {
      return logits;
    }

    @Override
    public void forEach(int count, IntConsumer action) {
      IntStream.range(0, count).forEach(action);
    }

    @Override
    public void close() {}
  }

  /** A cache that holds nothing. */
  private static final class NoCache implements KvCache {
    private int slots;
    private int capacity;

    @Override
    public void layOut(int newSlots, int newCapacity) {
      slots = newSlots;
      capacity = newCapacity;
    }

    @Override
    public int slots() {
      return slots;
    }

    @Override
    public int capacity() {
      return capacity;
    }

    @Override
    public void copySlot(int slot, int from, KvCache target, int targetSlot, int length) {}

    @Override
    public void setCapacity(int newCapacity, int used) {
      capacity = newCapacity;
    }

    @Override
    public void close() {}
  }

  /** Logits whose first is the largest. */
  private record ConstantLogits(int vocabulary) implements DecoderSession.Logits {
    @Override
    public float logit(int row, int token) {
      return token == 0 ? 1 : 0;
    }

    @Override
    public double logProbability(int row, int token) {
      return 0;
    }

    @Override
    public void copyLogits(int row, float[] into) {
      into[0] = 1;
    }

    @Override
    public void copyProbabilities(int row, float[] into) {
      into[0] = 1;
    }
  }

  /** Schedules and samples 256 candidates of 1 to 64 tokens, greedy, without a decoder; a token. */
  @Benchmark
  @OperationsPerInvocation(TOKENS)
  public List<Generation> schedule(Model model) {
    List<GenerationJob> jobs = new ArrayList<>();
    for (int i = 0; i < PROMPTS; i++) {
      SamplingParameters sampling =
          SamplingParameters.greedy(1 + i % MAX_TOKENS).withIgnoreEndOfText(true);
      List<Long> seeds = LongStream.range(0, CANDIDATES).boxed().toList();
      Prompt prompt = Prompt.of("p" + i, "");
      jobs.add(
          new GenerationJob(
              new GenerationRequest(prompt, seeds, sampling), new int[64 + i], 0, model.model));
    }
    DecoderSession session =
        new NoDecoder(
            SessionCaches.of(NoCache::new),
            new ConstantLogits(model.model.config().vocabularySize()));
    session.cache().layOut(SLOTS, MAX_TOKENS + 1);
    session.caches().groupPrefixes().layOut(SLOTS / CANDIDATES, 64 + PROMPTS);
    List<Generation> found = new ArrayList<>();
    AdmissionQueue waiting = new AdmissionQueue(jobs, SLOTS);
    new ContinuousBatch(model.model, session, waiting, true, found::add, new Cancellation()).run();
    return found;
  }
}
