package org.autodidact.engine.judge;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scorer;
import org.autodidact.api.ScoringRequest;

/**
 * Justifies, then grades by probability: for each seed the model writes until it would give its
 * score, and the digits' probabilities after that give the sample's expected score ({@link
 * ExpectedScoreJudge}). What is written counts, as with the paper's judge, and no digit is sampled,
 * so that there always is a score.
 */
public final class JustifiedScoreJudge implements Judge {
  /** Opens it by the name {@code justified-score}. */
  public static final JudgeProvider PROVIDER =
      JudgeProvider.of("justified-score", JustifiedScoreJudge::new);

  private final JudgeProvider.JudgeContext context;
  private final SamplingParameters sampling;
  private final Scorer scorer;
  private final JudgeTemplate template;

  JustifiedScoreJudge(JudgeProvider.JudgeContext context) {
    this.context = context;
    this.sampling = context.sampling().withStop(ExpectedScoreJudge.BEFORE_DIGIT.strip());
    this.scorer = Judges.scorer(context.generator(), PROVIDER.name());
    this.template = JudgeTemplate.additive(context.template());
  }

  @Override
  public void judge(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    Chunks.judge(requests, cancellation, part -> judgePart(part, results, cancellation));
  }

  private void judgePart(
      List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
    Map<String, List<String>> written = new HashMap<>();
    context
        .generator()
        .generate(
            requests.stream()
                .map(r -> new GenerationRequest(prompt(r, r.id()), r.seeds(), sampling))
                .toList(),
            g ->
                written.put(
                    g.promptId(),
                    g.candidates().stream().map(Candidate::text).map(String::strip).toList()),
            cancellation);
    List<ScoringRequest> texts = new ArrayList<>();
    for (JudgementRequest request : requests) {
      for (String text : written.get(request.id())) {
        Prompt prompt = prompt(request, Integer.toString(texts.size()));
        String before = (text.isEmpty() ? "" : text + "\n") + ExpectedScoreJudge.BEFORE_DIGIT;
        texts.add(new ScoringRequest(prompt, before, ExpectedScoreJudge.DIGITS, false));
      }
    }
    double[] scores = new double[texts.size()];
    scorer.score(
        texts,
        s ->
            scores[Integer.parseInt(s.promptId())] =
                ExpectedScoreJudge.expected(s.logProbabilities()),
        cancellation);
    int next = 0;
    for (JudgementRequest request : requests) {
      List<JudgementSample> samples = new ArrayList<>();
      for (String text : written.get(request.id())) {
        samples.add(new JudgementSample(OptionalDouble.of(scores[next++]), text));
      }
      results.accept(Judgement.of(request.id(), samples));
    }
  }

  private Prompt prompt(JudgementRequest request, String id) {
    return template.prompt(id, request.instruction(), request.response());
  }

  @Override
  public void close() {}
}
