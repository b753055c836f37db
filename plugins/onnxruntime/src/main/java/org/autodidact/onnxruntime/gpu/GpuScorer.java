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
import org.autodidact.onnxruntime.cpu.CpuGenerator;
import org.autodidact.onnxruntime.ort.OwnedSession;
import org.autodidact.onnxruntime.ort.RunInputs;

/**
 * Weighs texts on a GPU by {@link ScoringGraph}; continuations of one token are weighed by one
 * reading. By TensorRT where that is asked for; texts beyond the shapes that its engine has go to
 * CUDA.
 */
final class GpuScorer implements Scorer, AutoCloseable {
  /** Texts of a run, tokens of a text, and weighed places of a run that an engine is built for. */
  private static final int TEXTS = 8;

  private static final int TOKENS = 2048;

  private static final int USUAL = 512;

  private final ModelFolder model;
  private final GpuSessions device;
  private final int longest;
  private Optional<OwnedSession> within = Optional.empty();
  private Optional<OwnedSession> beyond = Optional.empty();

  GpuScorer(ModelFolder model, GpuSessions device) {
    this.model = model;
    this.device = device;
    this.longest = Math.min(TOKENS, model.config().contextLength());
  }

  @Override
  public void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    List<ScoringSequence> texts = new ArrayList<>();
    for (ScoringRequest request : requests) {
      texts.addAll(ScoringSequence.of(request, model));
    }
    texts.sort(Comparator.comparingInt((ScoringSequence t) -> t.ids().length).reversed());
    for (int from = 0; from < texts.size(); ) {
      cancellation.throwIfCancelled();
      int to = from + 1;
      int places = texts.get(from).rows();
      while (to < texts.size() && to - from < TEXTS && places + texts.get(to).rows() <= TOKENS) {
        places += texts.get(to++).rows();
      }
      run(texts.subList(from, to), places, results);
      from = to;
    }
  }

  @Override
  public OptionalDouble rounding(int tokens) {
    return OptionalDouble.of(CpuGenerator.FP32_ROUNDING);
  }

  private void run(List<ScoringSequence> texts, int places, Consumer<Scoring> results) {
    int width = texts.get(0).ids().length;
    long[] ids = new long[texts.size() * width];
    long[] rows = new long[places];
    List<long[]> targets = new ArrayList<>();
    int place = 0;
    for (int i = 0; i < texts.size(); i++) {
      ScoringSequence text = texts.get(i);
      for (int t = 0; t < text.ids().length; t++) {
        ids[i * width + t] = text.ids()[t];
      }
      for (ScoringSequence.Target target : text.targets()) {
        for (int t = 0; t < target.tokens().length; t++) {
          targets.add(new long[] {place + t, target.tokens()[t]});
        }
      }
      for (int t = text.firstRow(); t < text.ids().length; t++) {
        rows[place++] = (long) i * width + t;
      }
    }
    FloatBuffer found = FloatBuffer.wrap(weigh(ids, width, rows, targets));
    for (ScoringSequence text : texts) {
      double[] sums = new double[text.targets().size()];
      for (int i = 0; i < sums.length; i++) {
        for (int t = 0; t < text.rows(); t++) {
          sums[i] += found.get();
        }
      }
      text.finish(sums).ifPresent(results);
    }
  }

  private float[] weigh(long[] ids, int width, long[] rows, List<long[]> targets) {
    try (RunInputs tensors = new RunInputs()) {
      tensors.put("input_ids", ids, ids.length / width, width);
      tensors.put("rows", rows, rows.length);
      tensors.put(
          "targets", targets.stream().flatMapToLong(Arrays::stream).toArray(), targets.size(), 2);
      boolean fits = width <= longest && rows.length <= TOKENS && targets.size() <= TOKENS;
      try (OrtSession.Result result = session(fits).run(tensors.inputs())) {
        return (float[]) result.get(0).getValue();
      }
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    }
  }

  private OwnedSession session(boolean fits) {
    if (fits || !device.buildsEngines()) {
      if (within.isEmpty()) {
        within = Optional.of(device.open(model, ScoringGraph.build(model), shapes()));
      }
      return within.get();
    }
    if (beyond.isEmpty()) {
      beyond = Optional.of(device.open(model, ScoringGraph.build(model)));
    }
    return beyond.get();
  }

  private GpuSessions.Shapes shapes() {
    int usual = Math.min(USUAL, longest);
    return new GpuSessions.Shapes(
        "input_ids:1x1,rows:1,targets:1x2",
        "input_ids:" + TEXTS + "x" + usual + ",rows:" + TEXTS + ",targets:" + 6 * TEXTS + "x2",
        "input_ids:" + TEXTS + "x" + longest + ",rows:" + TOKENS + ",targets:" + TOKENS + "x2");
  }

  @Override
  public void close() {
    within.ifPresent(OwnedSession::close);
    beyond.ifPresent(OwnedSession::close);
  }
}
