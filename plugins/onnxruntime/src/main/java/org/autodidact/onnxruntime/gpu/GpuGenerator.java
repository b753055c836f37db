package org.autodidact.onnxruntime.gpu;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scorer;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.tokenizer.EndOfTurn;
import org.autodidact.onnxruntime.backend.CacheBudget;
import org.autodidact.onnxruntime.batching.GenerationJob;
import org.autodidact.onnxruntime.batching.SampledCandidate;
import org.autodidact.onnxruntime.batching.Sampler;
import org.autodidact.onnxruntime.batching.UniqueIds;
import org.autodidact.onnxruntime.graph.FloatKvCache;
import org.autodidact.onnxruntime.ort.OwnedSession;
import org.autodidact.onnxruntime.ort.RunTensors;

/**
 * Generates on a GPU in float32: many sequences in one run of {@link GenerationLoopGraph}, which
 * ends when all of them have. The longest go first; a prompt is prefilled once for its candidates
 * of a run. A call can be cancelled between runs.
 *
 * <p>Tokens are sampled as on the CPU ({@link Sampler}), so that a seed gives the same tokens
 * wherever rounding errors do not separate them (tested on the CPU; unmeasured on a GPU).
 */
public final class GpuGenerator implements Generator {
  /** Sequences of a run, at most (not measured). */
  private static final int MAX_SEQUENCES = 256;

  /** Memory budget of a run where none is set (not measured). */
  private static final long DEFAULT_CACHE_BYTES = 4L << 30;

  private final ModelFolder model;
  private final long budget;
  private final GpuSessions sessions;
  private final EndOfTurn endOfTurn;
  private Optional<OwnedSession> session = Optional.empty();
  private Optional<GpuScorer> scorer = Optional.empty();
  private boolean closed;

  private GpuGenerator(ModelFolder model, ComputeSettings settings, GpuSessions sessions) {
    this.model = model;
    this.budget = CacheBudget.requested(settings, DEFAULT_CACHE_BYTES);
    this.sessions = sessions;
    this.endOfTurn = model.ends();
  }

  public static GpuGenerator open(GeneratorContext context, GpuSessions sessions) {
    ComputeSettings settings = context.compute();
    check(settings);
    ModelFolder model = ModelFolder.open(context.checkpoint().folder(), context.clock());
    try {
      check(model);
      return new GpuGenerator(model, settings, sessions);
    } catch (RuntimeException | Error e) {
      model.close();
      throw e;
    }
  }

  /** Refuses a precision that is not computed on a GPU. */
  public static void check(ComputeSettings settings) {
    if (!settings.precision().equals(ComputeSettings.Precision.AUTO)
        && !settings.precision().equals(ComputeSettings.Precision.FP32)) {
      throw new UnsupportedModelException(
          "precision "
              + settings.precision()
              + " is supported on the CPU only; a GPU computes in fp32 here: use fp32 or auto, or device cpu");
    }
  }

  /** Refuses a model that is not computed on a GPU. */
  public static void check(ModelFolder model) {
    GpuDecoderLayers.CAPABILITIES.require(model.path(), model.config(), "; use device cpu");
  }

  /** A candidate to be generated. */
  private record Sequence(GenerationJob job, int index) {
    int promptLength() {
      return job.promptTokens().length;
    }

    SamplingParameters sampling() {
      return job.request().sampling();
    }

    long seed() {
      return job.request().seeds().get(index);
    }
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    UniqueIds.require("prompt", requests, request -> request.prompt().id());
    List<GenerationJob> jobs = new ArrayList<>();
    for (GenerationRequest request : requests) {
      GenerationJob.requireNoPenalty(request, " or device cpu");
      int[] tokens = GenerationJob.promptTokens(request, model);
      GenerationJob job = new GenerationJob(request, tokens, 0, model);
      job.requireMemory(bytes(List.of(new Sequence(job, 0))), budget);
      jobs.add(job);
    }
    List<Sequence> sequences = new ArrayList<>();
    jobs.stream()
        .sorted(Comparator.comparingInt(GenerationJob::maxLength).reversed())
        .forEach(
            job ->
                IntStream.range(0, job.request().seeds().size())
                    .forEach(i -> sequences.add(new Sequence(job, i))));
    for (int from = 0; from < sequences.size(); ) {
      cancellation.throwIfCancelled();
      int to = from + 1;
      while (to < sequences.size()
          && to - from < MAX_SEQUENCES
          && bytes(sequences.subList(from, to + 1)) <= budget) {
        to++;
      }
      run(sequences.subList(from, to), results);
      from = to;
    }
  }

  /** Memory of a run; an iteration of the loop reads one KV cache and writes another. */
  private long bytes(List<Sequence> sequences) {
    long prompt = longestPrompt(sequences);
    ModelConfig config = model.config();
    long cache =
        FloatKvCache.bytesPerToken(config) * (prompt + longestAnswer(sequences)) * sequences.size();
    long scores = (long) Float.BYTES * config.heads() * prompt * prompt;
    long prompts = sequences.stream().map(Sequence::job).distinct().count();
    return 2 * (cache + scores * prompts);
  }

  private static int longestPrompt(List<Sequence> sequences) {
    return sequences.stream().mapToInt(Sequence::promptLength).max().orElseThrow();
  }

  private static int longestAnswer(List<Sequence> sequences) {
    return sequences.stream().mapToInt(s -> s.job().maxAnswer()).max().orElseThrow();
  }

  private void run(List<Sequence> sequences, Consumer<Generation> results) {
    List<GenerationJob> prompts = sequences.stream().map(Sequence::job).distinct().toList();
    int width = longestPrompt(sequences);
    int steps = longestAnswer(sequences);
    try (RunTensors tensors = new RunTensors()) {
      long[] ids = new long[prompts.size() * width];
      long[] lengths = new long[prompts.size()];
      for (int p = 0; p < lengths.length; p++) {
        int[] tokens = prompts.get(p).promptTokens();
        lengths[p] = tokens.length;
        for (int t = 0; t < tokens.length; t++) {
          ids[p * width + t] = tokens[t];
        }
      }
      tensors.input("input_ids", ids, lengths.length, width);
      tensors.input("lengths", lengths, lengths.length);
      putSequences(tensors, sequences, prompts, steps);
      try (OrtSession.Result found = session().run(tensors.inputs())) {
        long[][] tokens = (long[][]) found.get("tokens").orElseThrow().getValue();
        float[][] logProbabilities =
            (float[][]) found.get("log_probabilities").orElseThrow().getValue();
        for (int i = 0; i < sequences.size(); i++) {
          Sequence sequence = sequences.get(i);
          Candidate candidate = candidate(sequence, i, tokens, logProbabilities);
          sequence.job().finish(sequence.index(), candidate).ifPresent(results);
        }
      }
    } catch (OrtException e) {
      throw new AutodidactException(
          "ONNX Runtime failed: " + e.getMessage() + "; if memory ran out, lower --memory", e);
    }
  }

  private void putSequences(
      RunTensors tensors, List<Sequence> sequences, List<GenerationJob> prompts, int steps) {
    int count = sequences.size();
    long[] promptOfSequence = new long[count];
    double[] uniforms = new double[steps * count];
    float[] inverse = new float[count];
    long[] topK = new long[count];
    double[] topP = new double[count];
    double[] minP = new double[count];
    long[] maxTokens = new long[count];
    boolean[] ignoreEnd = new boolean[count];
    for (int i = 0; i < count; i++) {
      Sequence sequence = sequences.get(i);
      SamplingParameters sampling = sequence.sampling();
      promptOfSequence[i] = prompts.indexOf(sequence.job());
      SplittableRandom random = new SplittableRandom(sequence.seed());
      for (int step = 0; step < steps; step++) {
        uniforms[step * count + i] = random.nextDouble();
      }
      inverse[i] = Sampler.inverseTemperature(sampling);
      topK[i] = SamplingNodes.topK(sampling, model.config().vocabularySize());
      topP[i] = sampling.topP();
      minP[i] = sampling.minP();
      maxTokens[i] = sequence.job().maxAnswer();
      ignoreEnd[i] = sampling.ignoreEndOfText();
    }
    tensors.input("prompt_of_sequence", promptOfSequence, count);
    tensors.input("uniforms", uniforms, steps, count);
    tensors.input("inverse_temperature", inverse, count, 1);
    tensors.input("top_k", topK, count, 1);
    tensors.input("top_p", topP, count, 1);
    tensors.input("min_p", minP, count, 1);
    tensors.input("max_tokens", maxTokens, count);
    tensors.input("ignore_end", ignoreEnd);
  }

  /** The tokens of column {@code i} of the outputs, up to the sequence's end. */
  private Candidate candidate(
      Sequence sequence, int i, long[][] tokens, float[][] logProbabilities) {
    SampledCandidate candidate = new SampledCandidate(model.encoder(), endOfTurn, sequence.job());
    for (int step = 0; !candidate.isFinished(); step++) {
      Sampler.requireNumber(logProbabilities[step][i]);
      candidate.add((int) tokens[step][i], logProbabilities[step][i]);
    }
    return candidate.candidate(sequence.seed());
  }

  /** Opened on first use, as each graph has a copy of the weights on the device. */
  private OwnedSession session() {
    if (session.isEmpty()) {
      session = Optional.of(sessions.open(model, GenerationLoopGraph.build(model)));
    }
    return session.get();
  }

  @Override
  public Optional<Scorer> scorer() {
    if (scorer.isEmpty()) {
      scorer = Optional.of(new GpuScorer(model, sessions));
    }
    return Optional.of(scorer.get());
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try (model) {
      scorer.ifPresent(GpuScorer::close);
      session.ifPresent(OwnedSession::close);
    }
  }
}
