package org.autodidact.gpu.decode;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.onnxruntime.batching.ScoringSequence;

/**
 * Scores continuations by prefills; an expected score is one prefill of its text. Texts of like
 * lengths run together, padded to the longest of them.
 */
final class PrefillScorer implements Scorer {
  /** Scored tokens of a run, at most, each with logits of the whole vocabulary (not measured). */
  private static final int MAX_ROWS = 2048;

  /** Error of a mean of log-probabilities in 16 bits: what is allowed to servers; unmeasured. */
  private static final double SIXTEEN_BITS_ERROR = 0.05;

  private final ModelFolder model;
  private final Prefiller prefiller;
  private final ElementType type;

  PrefillScorer(ModelFolder model, Prefiller prefiller, ElementType type) {
    this.model = model;
    this.prefiller = prefiller;
    this.type = type;
  }

  @Override
  public void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    List<ScoringSequence> texts = ScoringSequence.of(requests, model);
    texts.sort(Comparator.comparingInt((ScoringSequence t) -> t.ids().length).reversed());
    for (int from = 0; from < texts.size(); ) {
      cancellation.throwIfCancelled();
      List<ScoringSequence> rest = texts.subList(from, texts.size());
      int fitting = Prefiller.fitting(rest.stream().map(t -> t.ids().length).toList());
      int count = 1;
      int wanted = rest.get(0).wantedCount();
      while (count < fitting && wanted + rest.get(count).wantedCount() <= MAX_ROWS) {
        wanted += rest.get(count++).wantedCount();
      }
      run(rest.subList(0, count), wanted, results);
      from += count;
    }
  }

  private void run(List<ScoringSequence> texts, int wanted, Consumer<Scoring> results) {
    int width = texts.get(0).ids().length;
    long[] rows = new long[wanted];
    List<Long> targets = new ArrayList<>();
    int row = 0;
    for (int i = 0; i < texts.size(); i++) {
      ScoringSequence text = texts.get(i);
      for (ScoringSequence.Target target : text.targets()) {
        for (int t = 0; t < target.tokens().length; t++) {
          targets.add((long) row + t);
          targets.add((long) target.tokens()[t]);
        }
      }
      for (int t = text.firstWanted(); t < text.ids().length; t++) {
        rows[row++] = (long) i * width + t;
      }
    }
    float[] scores =
        prefiller.score(
            texts.stream().map(ScoringSequence::ids).toList(),
            rows,
            targets.stream().mapToLong(t -> t).toArray());
    int next = 0;
    for (ScoringSequence text : texts) {
      double[] sums = new double[text.targets().size()];
      for (int i = 0; i < sums.length; i++) {
        for (int t = 0; t < text.wantedCount(); t++) {
          sums[i] += scores[next++];
        }
      }
      text.finish(sums).ifPresent(results);
    }
  }

  @Override
  public OptionalDouble rounding(int tokens) {
    return OptionalDouble.of(
        type == ElementType.FLOAT ? ScoringSequence.FP32_ERROR : SIXTEEN_BITS_ERROR);
  }
}
