package org.autodidact.engine.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import org.autodidact.api.Candidate;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.Prompt;
import org.autodidact.api.RunListener.Kind;
import org.autodidact.api.RunListener.Stage;
import org.autodidact.api.TrainingExample;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.data.Examples;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.evaluation.Perplexity;
import org.autodidact.engine.guards.IterateMetrics;
import org.autodidact.engine.seeds.Seeds;

/** The evaluation of each iterate, the last one too, as {@code evaluation} configures it. */
public final class EvaluationStage {
  private final StageRunner run;

  EvaluationStage(StageRunner run) {
    this.run = run;
  }

  /** The prompts that every iterate answers. */
  public static List<Prompt> prompts(RunConfig config) {
    return config.evaluation().flatMap(RunConfig.Evaluation::prompts).stream()
        .flatMap(file -> JsonLines.prompts(file).stream())
        .toList();
  }

  /** The answers whose perplexity is measured. */
  public static List<TrainingExample> examples(RunConfig config) {
    return config.evaluation().flatMap(RunConfig.Evaluation::perplexity).stream()
        .flatMap(file -> JsonLines.read(file, Examples::demonstration).stream())
        .toList();
  }

  void evaluate(int iteration, LazyModel model) {
    Stage stage = new Stage(model.checkpoint().name(), Kind.EVALUATION);
    if (run.isFinished(stage)) {
      return;
    }
    List<Prompt> prompts = prompts(run.config());
    List<TrainingExample> examples = examples(run.config());
    if (prompts.isEmpty() && examples.isEmpty()) {
      return;
    }
    run.run(
        stage,
        0,
        prompts.size() + examples.size(),
        progress -> {
          run.store()
              .iterations()
              .addMetrics(iteration, answers(prompts, model.generator(), progress));
          if (!examples.isEmpty()) {
            double perplexity =
                Perplexity.of(examples, model.generator(), run.cancellation()).get("perplexity");
            run.store().iterations().addMetrics(iteration, Map.of("perplexity", perplexity));
          }
        });
  }

  /** The metrics of the answers to the same prompts with the same seeds for every iterate. */
  private Map<String, Double> answers(
      List<Prompt> prompts, Generator generator, Runnable progress) {
    RunConfig.Candidates section = run.config().candidates();
    List<GenerationRequest> requests = new ArrayList<>();
    for (int p = 0; p < prompts.size(); p++) {
      requests.add(
          new GenerationRequest(
              prompts.get(p), run.seeds(section.count(), Seeds.EVALUATION, p), section.sampling()));
    }
    List<List<Candidate>> answers = new ArrayList<>();
    generator.generate(
        requests,
        generation -> {
          answers.add(generation.candidates());
          progress.run();
        },
        run.cancellation());
    return IterateMetrics.ofAnswers(answers);
  }
}
