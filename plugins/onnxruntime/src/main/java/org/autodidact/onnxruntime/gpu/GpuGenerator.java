package org.autodidact.onnxruntime.gpu;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scorer;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.tokenizer.EndOfTurn;
import org.autodidact.onnxruntime.batching.GenerationJob;
import org.autodidact.onnxruntime.batching.SampledAnswer;
import org.autodidact.onnxruntime.batching.Sampler;
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.autodidact.onnxruntime.graph.FloatKvCache;
import org.autodidact.onnxruntime.ort.OwnedSession;
import org.autodidact.onnxruntime.ort.RunInputs;

/**
 * Generates on a GPU: many rows are answered in one run of {@link GenerationLoopGraph}, in float32.
 * The longest go first; a prompt is read once for its candidates in a run; a run ends when all of
 * its rows have. A call can be cancelled between runs.
 *
 * <p>Drawn as {@link CpuGenerator} draws, so that in float32 a seed gives the same tokens wherever
 * rounding does not part them (tested on the CPU; on a GPU it is unmeasured).
 */
public final class GpuGenerator implements Generator {
  /** Rows of a run at most. */
  private static final int MAX_ROWS = 256;

  private static final long DEFAULT_CACHE_BYTES = 4L << 30;

  private final ModelFolder model;
  private final ComputeSettings settings;
  private final GpuSessions device;
  private final EndOfTurn ends;
  private Optional<OwnedSession> session = Optional.empty();
  private Optional<GpuScorer> scorer = Optional.empty();
  private boolean closed;

  private GpuGenerator(ModelFolder model, ComputeSettings settings, GpuSessions device) {
    this.model = model;
    this.settings = settings;
    this.device = device;
    this.ends = model.ends();
  }

  public static GpuGenerator open(
      Checkpoint checkpoint, ComputeSettings settings, GpuSessions device) {
    if (settings.precision() != ComputeSettings.Precision.AUTO
        && settings.precision() != ComputeSettings.Precision.FP32) {
      throw new UnsupportedModelException(
          "precision "
              + ExecutionProviders.name(settings.precision())
              + " is there on the CPU alone; a GPU computes in fp32 here: use fp32 or auto, or device cpu");
    }
    return new GpuGenerator(ModelFolder.open(checkpoint.folder()), settings, device);
  }

  /** A candidate to be written. */
  private record Row(GenerationJob job, int index) {
    int prompt() {
      return job.promptTokens().length;
    }

    SamplingParameters sampling() {
      return job.request().sampling();
    }
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    Set<String> ids = new HashSet<>();
    List<GenerationJob> jobs = new ArrayList<>();
    for (GenerationRequest request : requests) {
      String id = request.prompt().id();
      if (!ids.add(id)) {
        throw new InvalidInputException(
            "prompt id '" + id + "' occurs twice; ids must be unique in a call");
      }
      if (request.sampling().repetitionPenalty() != 1) {
        throw new InvalidInputException(
            "prompt '"
                + id
                + "' asks for a repetition penalty, which is there on the CPU alone; use 1 or device cpu");
      }
      int[] tokens = model.encoder().prompt(request.prompt().messages());
      CpuGenerator.requireFits(model.config(), id, tokens, 1);
      GenerationJob job = new GenerationJob(request, tokens, 0, model);
      requireMemory(job);
      jobs.add(job);
    }
    List<Row> rows = new ArrayList<>();
    jobs.stream()
        .sorted(Comparator.comparingInt(GenerationJob::places).reversed())
        .forEach(
            job ->
                IntStream.range(0, job.request().seeds().size())
                    .forEach(i -> rows.add(new Row(job, i))));
    for (int from = 0; from < rows.size(); ) {
      cancellation.throwIfCancelled();
      int to = from + 1;
      while (to < rows.size()
          && to - from < MAX_ROWS
          && bytes(rows.subList(from, to + 1)) <= budget()) {
        to++;
      }
      run(rows.subList(from, to), results);
      from = to;
    }
  }

  private void requireMemory(GenerationJob job) {
    long needed = bytes(List.of(new Row(job, 0)));
    if (needed > budget()) {
      throw new InvalidInputException(
          "prompt '"
              + job.request().prompt().id()
              + "' and its answer, "
              + job.places()
              + " tokens, need "
              + ((needed >> 20) + 1)
              + " MiB of cache, the budget is "
              + (budget() >> 20)
              + " MiB; raise --memory, or shorten the prompt or --max-tokens");
    }
  }

  private long budget() {
    return settings.memoryMegabytes() > 0
        ? (long) settings.memoryMegabytes() << 20
        : DEFAULT_CACHE_BYTES;
  }

  /** What a run's cache takes; a round of the loop reads one and writes another. */
  private long bytes(List<Row> rows) {
    int prompt = rows.stream().mapToInt(Row::prompt).max().orElseThrow();
    int answer = rows.stream().mapToInt(r -> r.job().answerPlaces()).max().orElseThrow();
    ModelConfig config = model.config();
    long cache = FloatKvCache.bytesPerPlace(config) * (prompt + answer) * rows.size();
    long scores = (long) Float.BYTES * config.heads() * prompt * prompt;
    long prompts = rows.stream().map(Row::job).distinct().count();
    return 2 * (cache + scores * prompts);
  }

  private void run(List<Row> rows, Consumer<Generation> results) {
    List<GenerationJob> prompts = rows.stream().map(Row::job).distinct().toList();
    int width = rows.stream().mapToInt(Row::prompt).max().orElseThrow();
    int steps = rows.stream().mapToInt(r -> r.job().answerPlaces()).max().orElseThrow();
    try (RunInputs tensors = new RunInputs()) {
      long[] ids = new long[prompts.size() * width];
      long[] lengths = new long[prompts.size()];
      for (int p = 0; p < lengths.length; p++) {
        int[] tokens = prompts.get(p).promptTokens();
        lengths[p] = tokens.length;
        for (int t = 0; t < tokens.length; t++) {
          ids[p * width + t] = tokens[t];
        }
      }
      tensors.put("input_ids", ids, lengths.length, width);
      tensors.put("lengths", lengths, lengths.length);
      putRows(tensors, rows, prompts, steps);
      try (OrtSession.Result found = session().run(tensors.inputs())) {
        long[][] tokens = (long[][]) found.get("tokens").orElseThrow().getValue();
        float[][] weights = (float[][]) found.get("log_probabilities").orElseThrow().getValue();
        for (int r = 0; r < rows.size(); r++) {
          Row row = rows.get(r);
          row.job().finish(row.index(), candidate(row, r, tokens, weights)).ifPresent(results);
        }
      }
    } catch (OrtException e) {
      throw new AutodidactException(
          "ONNX Runtime failed: " + e.getMessage() + "; if memory ran out, lower --memory", e);
    }
  }

  private void putRows(RunInputs tensors, List<Row> rows, List<GenerationJob> prompts, int steps)
      throws OrtException {
    int count = rows.size();
    long[] promptOfRow = new long[count];
    double[] uniforms = new double[steps * count];
    float[] inverse = new float[count];
    long[] topK = new long[count];
    double[] topP = new double[count];
    double[] minP = new double[count];
    long[] most = new long[count];
    boolean[] ignoreEnd = new boolean[count];
    for (int r = 0; r < count; r++) {
      Row row = rows.get(r);
      SamplingParameters sampling = row.sampling();
      promptOfRow[r] = prompts.indexOf(row.job());
      SplittableRandom random = new SplittableRandom(row.job().request().seeds().get(row.index()));
      for (int step = 0; step < steps; step++) {
        uniforms[step * count + r] = random.nextDouble();
      }
      inverse[r] = Sampler.inverseTemperature(sampling);
      boolean all = sampling.topK() == 0;
      topK[r] =
          sampling.temperature() == 0 ? 1 : all ? model.config().vocabularySize() : sampling.topK();
      topP[r] = sampling.topP();
      minP[r] = sampling.minP();
      most[r] = row.job().answerPlaces();
      ignoreEnd[r] = sampling.ignoreEndOfText();
    }
    tensors.put("prompt_of_row", promptOfRow, count);
    tensors.put("uniforms", uniforms, steps, count);
    tensors.put("inverse_temperature", inverse, count, 1);
    tensors.put("top_k", topK, count, 1);
    tensors.put("top_p", topP, count, 1);
    tensors.put("min_p", minP, count, 1);
    tensors.put("most", most, count);
    tensors.put("ignore_end", ignoreEnd);
  }

  /** What the {@code r}th column says, up to the row's end. */
  private Candidate candidate(Row row, int r, long[][] drawn, float[][] logProbabilities) {
    SampledAnswer answer = new SampledAnswer(model.encoder(), ends, row.job());
    for (int step = 0; !answer.hasEnded(); step++) {
      Sampler.requireNumber(logProbabilities[step][r]);
      answer.add((int) drawn[step][r], logProbabilities[step][r]);
    }
    return answer.candidate(row.job().request().seeds().get(row.index()));
  }

  /** Opened when first asked for, as weights lie on the device once for each graph. */
  private OwnedSession session() {
    if (session.isEmpty()) {
      session = Optional.of(device.open(model, GenerationLoopGraph.build(model)));
    }
    return session.get();
  }

  @Override
  public Optional<Scorer> scorer() {
    if (scorer.isEmpty()) {
      scorer = Optional.of(new GpuScorer(model, device));
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
