package org.autodidact.engine.loop;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Prompt;
import org.autodidact.api.PromptSource;
import org.autodidact.api.PromptSourceProvider.PromptSourceContext;
import org.autodidact.api.RuleBrokenException;
import org.autodidact.api.RunListener.Kind;
import org.autodidact.api.RunListener.Stage;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.plugins.rules.PluginCalls;
import org.autodidact.engine.prompts.CreatedPrompt;
import org.autodidact.engine.prompts.FilePromptSource;
import org.autodidact.engine.prompts.SelfInstruct;
import org.autodidact.engine.seeds.Seeds;
import org.autodidact.engine.store.ModelLocator;
import org.autodidact.engine.store.RunStore;

/** The new prompts of an iteration: the host's, those of a file, or self-instruct's. */
public final class PromptStage {
  private final StageRunner run;
  private final RunStore store;
  private final ModelOpener models;

  PromptStage(StageRunner run, ModelOpener models) {
    this.run = run;
    this.store = run.store();
    this.models = models;
  }

  /** The prompts of an iteration; {@code learner} creates them where no other model is set. */
  List<Prompt> create(int iteration, Checkpoint learner) {
    List<Prompt> stored = store.iterations().prompts(iteration);
    if (!stored.isEmpty()) {
      return stored;
    }
    Stage stage = new Stage("M" + iteration, Kind.PROMPTS);
    RunConfig.Prompts section = run.config().prompts();
    int count = section.perIteration();
    if (section.selfInstruct().isEmpty() || run.promptSource().isPresent()) {
      run.listener().stageStarted(stage, 0, count);
      store.iterations().addPrompts(iteration, fromSource(iteration, count));
      run.listener().stageFinished(stage);
    } else {
      selfInstruct(stage, iteration, count, section.selfInstruct().get(), learner);
    }
    return store.iterations().prompts(iteration);
  }

  private List<Prompt> fromSource(int iteration, int count) {
    String who =
        run.config()
            .prompts()
            .source()
            .filter(p -> run.promptSource().isEmpty())
            .map(p -> "the prompt source '" + p.name() + "'")
            .orElse("the prompt source");
    List<Prompt> prompts =
        PluginCalls.call(
            who,
            () ->
                run.promptSource()
                    .orElseGet(() -> source(run.config(), run.plugins()))
                    .prompts(iteration, count));
    if (prompts == null) {
      throw new RuleBrokenException(who, "P1", "it returned null");
    }
    long distinct = prompts.stream().map(Prompt::id).distinct().count();
    if (prompts.size() != count || distinct != count) {
      throw new RuleBrokenException(
          who,
          "P1",
          "for iteration "
              + iteration
              + " and "
              + count
              + " prompts it returned "
              + prompts.size()
              + ", with "
              + distinct
              + " ids");
    }
    return prompts;
  }

  /** A plugin's prompts or those of a file, where neither the host nor a model makes them. */
  public static PromptSource source(RunConfig config, Plugins plugins) {
    return config
        .prompts()
        .source()
        .map(
            part ->
                plugins
                    .promptSource(part.name())
                    .open(new PromptSourceContext(config.seed(), part.partOptions())))
        .orElseGet(
            () -> new FilePromptSource(config.prompts().file().orElseThrow(), config.seed()));
  }

  private void selfInstruct(
      Stage stage,
      int iteration,
      int count,
      RunConfig.SelfInstructSettings section,
      Checkpoint learner) {
    SelfInstruct maker =
        new SelfInstruct(
            "m" + iteration + "-",
            section.settings(),
            JsonLines.instructions(run.config().seedPrompts()),
            section.exclude().map(JsonLines::instructions).orElse(List.of()),
            run.plugins().promptFilters(section.filters(), section::filterSettings),
            Seeds.of(run.config().seed(), Seeds.PROMPTS, iteration));
    IntStream.range(1, iteration).forEach(t -> maker.show(store.iterations().created(t)));
    List<CreatedPrompt> all = new ArrayList<>(store.iterations().created(iteration));
    maker.restore(all);
    Checkpoint author =
        section
            .model()
            .map(
                m ->
                    new Checkpoint(
                        "prompts",
                        ModelLocator.folder(m.path(), store.folder().resolve("prompt-model"))))
            .orElse(learner);
    try (LazyModel model = models.open(author)) {
      run.run(
          stage,
          (int) all.stream().filter(CreatedPrompt::kept).count(),
          count,
          progress ->
              maker.create(
                  count,
                  model.generator(),
                  attempts -> {
                    store.iterations().addCreated(iteration, author.name(), attempts);
                    all.addAll(attempts);
                    attempts.stream().filter(CreatedPrompt::kept).forEach(c -> progress.run());
                  },
                  run.cancellation()));
    }
    store
        .iterations()
        .addPrompts(
            iteration,
            all.stream().filter(CreatedPrompt::kept).map(CreatedPrompt::prompt).toList());
  }
}
