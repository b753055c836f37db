package org.autodidact.demo;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider.JudgeContext;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.demo.language.Task;
import org.autodidact.demo.verify.Verifier;
import org.autodidact.engine.plugins.Plugins;

/** Lets an iterate answer the held-out tasks and holds answers and judgements against the truth. */
final class Evaluation {
  private static final long FIRST = 101;
  private static final long SECOND = 102;
  private final Plugins plugins;
  private final SamplingParameters answering;
  private final SamplingParameters judging;

  Evaluation(Plugins plugins, SamplingParameters answering, SamplingParameters judging) {
    this.plugins = plugins;
    this.answering = answering;
    this.judging = judging;
  }

  /** Two answers to each task; the first is what counts, both are judged. */
  Verified verify(Checkpoint iterate, int madePairs, List<Task> tasks, Cancellation cancellation) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (Task task : tasks) {
      requests.add(
          new GenerationRequest(
              Prompt.of("t" + requests.size(), task.instruction()),
              List.of(FIRST, SECOND),
              answering));
    }
    try (Generator generator =
        plugins.generator("onnxruntime").open(iterate, ComputeSettings.automatic())) {
      Map<String, Generation> answers = new HashMap<>();
      generator.generate(requests, g -> answers.put(g.promptId(), g), cancellation);
      List<JudgementRequest> toJudge = new ArrayList<>();
      for (GenerationRequest request : requests) {
        for (Candidate c : answers.get(request.prompt().id()).candidates()) {
          toJudge.add(
              new JudgementRequest(
                  request.prompt().id() + "/" + c.seed(),
                  request.prompt().instruction(),
                  c.text(),
                  List.of(1L)));
        }
      }
      Map<String, Judgement> judgements = new HashMap<>();
      try (Judge judge =
          plugins
              .judge("additive")
              .open(new JudgeContext(generator, judging, Optional.of(DemoData.TEMPLATE)))) {
        judge.judge(toJudge, j -> judgements.put(j.id(), j), cancellation);
      }
      return verified(iterate.name(), madePairs, tasks, answers, judgements);
    }
  }

  private static Verified verified(
      String name,
      int madePairs,
      List<Task> tasks,
      Map<String, Generation> answers,
      Map<String, Judgement> judgements) {
    List<Integer> scores = new ArrayList<>();
    List<Verified.Example> examples = new ArrayList<>();
    double agreed = 0;
    int pairs = 0;
    long length = 0;
    for (int i = 0; i < tasks.size(); i++) {
      List<Candidate> both = answers.get("t" + i).candidates();
      int first = Verifier.score(tasks.get(i), both.get(0).text());
      int second = Verifier.score(tasks.get(i), both.get(1).text());
      scores.add(first);
      length += both.get(0).tokens().size();
      examples.add(new Verified.Example(tasks.get(i).instruction(), both.get(0).text(), first));
      Judgement a = judgements.get("t" + i + "/" + FIRST);
      Judgement b = judgements.get("t" + i + "/" + SECOND);
      if (first != second && a.score().isPresent() && b.score().isPresent()) {
        pairs++;
        double difference = a.score().getAsDouble() - b.score().getAsDouble();
        agreed += difference == 0 ? 0.5 : difference > 0 == first > second ? 1 : 0;
      }
    }
    return new Verified(
        name,
        scores,
        pairs == 0 ? Double.NaN : agreed / pairs,
        pairs,
        madePairs,
        length / (double) tasks.size(),
        examples);
  }
}
