package org.autodidact.gpu.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.onnxruntime.batching.ScoringSequence;
import org.autodidact.onnxruntime.batching.TemplatePrefixes;

/**
 * Scores continuations by prefills; an expected score is one prefill of its text, of which what
 * texts begin with alike is computed once.
 */
final class PrefillScorer implements Scorer {
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
    TemplatePrefixes templates = new TemplatePrefixes(model.encoder());
    Map<List<Integer>, List<ScoringSequence>> byTemplate = new LinkedHashMap<>();
    for (ScoringSequence sequence : ScoringSequence.of(requests, model)) {
      int[] prompt = Arrays.copyOf(sequence.ids(), sequence.firstWanted() + 1);
      int length = templates.length(sequence.prompt(), prompt);
      List<Integer> template = Arrays.stream(prompt).limit(length).boxed().toList();
      byTemplate.computeIfAbsent(template, t -> new ArrayList<>()).add(sequence);
    }
    byTemplate.forEach(
        (template, sequences) ->
            prefiller.score(
                sequences.stream().map(PrefillScorer::text).toList(),
                template.stream().mapToInt(t -> t).toArray(),
                cancellation,
                (text, sums) -> sequences.get(text).finish(sums).ifPresent(results)));
  }

  private static PrefillPass.Text text(ScoringSequence sequence) {
    return new PrefillPass.Text(
        sequence.ids(),
        sequence.firstWanted(),
        sequence.targets().stream().map(ScoringSequence.Target::tokens).toList());
  }

  @Override
  public OptionalDouble rounding(int tokens) {
    return OptionalDouble.of(
        type == ElementType.FLOAT ? ScoringSequence.FP32_ERROR : SIXTEEN_BITS_ERROR);
  }
}
