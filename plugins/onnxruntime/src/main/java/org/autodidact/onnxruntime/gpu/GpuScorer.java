package org.autodidact.onnxruntime.gpu;

import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.batching.ScoringSequence;
import org.autodidact.onnxruntime.ort.OwnedSession;
import org.autodidact.onnxruntime.ort.RunTensors;

/**
 * Scores continuations on a GPU by {@link ScoringGraph}, those of one token by one prefill. With
 * TensorRT, texts beyond its engine's shapes go to CUDA.
 */
final class GpuScorer implements Scorer, AutoCloseable {
  /** Texts of a run, at most (not measured). */
  private static final int MAX_TEXTS = 8;

  /** Tokens of a text, and scored tokens of a run, that an engine is built for (not measured). */
  private static final int MAX_TOKENS = 2048;

  /** Tokens of a text that TensorRT is fastest for (not measured). */
  private static final int OPTIMAL_TOKENS = 512;

  private final ModelFolder model;
  private final GpuSessions sessions;
  private final int longest;
  private Optional<OwnedSession> withinShapes = Optional.empty();
  private Optional<OwnedSession> beyondShapes = Optional.empty();

  GpuScorer(ModelFolder model, GpuSessions sessions) {
    this.model = model;
    this.sessions = sessions;
    this.longest = Math.min(MAX_TOKENS, model.config().contextLength());
  }

  @Override
  public void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    List<ScoringSequence> texts = ScoringSequence.of(requests, model);
    texts.sort(Comparator.comparingInt((ScoringSequence t) -> t.ids().length).reversed());
    for (int from = 0; from < texts.size(); ) {
      cancellation.throwIfCancelled();
      int to = from + 1;
      int wanted = texts.get(from).wantedCount();
      while (to < texts.size()
          && to - from < MAX_TEXTS
          && wanted + texts.get(to).wantedCount() <= MAX_TOKENS) {
        wanted += texts.get(to++).wantedCount();
      }
      run(texts.subList(from, to), wanted, results);
      from = to;
    }
  }

  @Override
  public OptionalDouble rounding(int tokens) {
    return OptionalDouble.of(ScoringSequence.FP32_ERROR);
  }

  private void run(List<ScoringSequence> texts, int wanted, Consumer<Scoring> results) {
    int width = texts.get(0).ids().length;
    long[] ids = new long[texts.size() * width];
    long[] rows = new long[wanted];
    List<long[]> targets = new ArrayList<>();
    int row = 0;
    for (int i = 0; i < texts.size(); i++) {
      ScoringSequence text = texts.get(i);
      for (int t = 0; t < text.ids().length; t++) {
        ids[i * width + t] = text.ids()[t];
      }
      for (ScoringSequence.Target target : text.targets()) {
        for (int t = 0; t < target.tokens().length; t++) {
          targets.add(new long[] {row + t, target.tokens()[t]});
        }
      }
      for (int t = text.firstWanted(); t < text.ids().length; t++) {
        rows[row++] = (long) i * width + t;
      }
    }
    FloatBuffer scores = FloatBuffer.wrap(logProbabilities(ids, width, rows, targets));
    for (ScoringSequence text : texts) {
      double[] sums = new double[text.targets().size()];
      for (int i = 0; i < sums.length; i++) {
        for (int t = 0; t < text.wantedCount(); t++) {
          sums[i] += scores.get();
        }
      }
      text.finish(sums).ifPresent(results);
    }
  }

  private float[] logProbabilities(long[] ids, int width, long[] rows, List<long[]> targets) {
    try (RunTensors tensors = new RunTensors()) {
      tensors.input("input_ids", ids, ids.length / width, width);
      tensors.input("rows", rows, rows.length);
      tensors.input(
          "targets", targets.stream().flatMapToLong(Arrays::stream).toArray(), targets.size(), 2);
      boolean fits = width <= longest && rows.length <= MAX_TOKENS && targets.size() <= MAX_TOKENS;
      try (OrtSession.Result result = session(fits).run(tensors.inputs())) {
        return (float[]) result.get(0).getValue();
      }
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    }
  }

  private OwnedSession session(boolean fits) {
    if (fits || !sessions.buildsEngines()) {
      if (withinShapes.isEmpty()) {
        withinShapes = Optional.of(sessions.open(model, ScoringGraph.build(model), shapes()));
      }
      return withinShapes.get();
    }
    if (beyondShapes.isEmpty()) {
      beyondShapes = Optional.of(sessions.open(model, ScoringGraph.build(model)));
    }
    return beyondShapes.get();
  }

  private GpuSessions.Shapes shapes() {
    return new GpuSessions.Shapes(
        shape(1, 1, 1, 1),
        shape(MAX_TEXTS, Math.min(OPTIMAL_TOKENS, longest), MAX_TEXTS, 6 * MAX_TEXTS),
        shape(MAX_TEXTS, longest, MAX_TOKENS, MAX_TOKENS));
  }

  private static String shape(int texts, int tokens, int rows, int targets) {
    return "input_ids:" + texts + "x" + tokens + ",rows:" + rows + ",targets:" + targets + "x2";
  }

  @Override
  public void close() {
    withinShapes.ifPresent(OwnedSession::close);
    beyondShapes.ifPresent(OwnedSession::close);
  }
}
