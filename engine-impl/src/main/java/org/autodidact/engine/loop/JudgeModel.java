package org.autodidact.engine.loop;

import java.nio.file.Path;
import java.util.Optional;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.engine.config.ModelName;
import org.autodidact.engine.config.Part;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.store.ModelLocator;

/**
 * A model that judges in the learner's place and is not trained: {@code judge.model}, opened by
 * {@code judge.generator} or else by the run's generator.
 *
 * @param named as the configuration names it: perhaps a GGUF file
 */
public record JudgeModel(Part generator, Checkpoint named) {
  /** The name of the judge's own model in a run's store. */
  public static final String NAME = "judge";

  /** The judge's own model; empty where the learner judges, or the judge reads a model itself. */
  public static Optional<JudgeModel> of(RunConfig config, Plugins plugins) {
    RunConfig.JudgeSection section = config.judge();
    boolean opens = section.generator().isPresent() || section.model().isPresent();
    if (!opens || plugins.judge(section.name()).readsModel()) {
      return Optional.empty();
    }
    Part part = section.generator().orElse(config.generator());
    GeneratorProvider provider = plugins.generator(part.name());
    ModelName model = section.model().orElse(config.model());
    return Optional.of(new JudgeModel(part, ModelLocator.checkpoint(NAME, model.text(), provider)));
  }

  /** The model to open; a GGUF file is imported into the run's folder, once. */
  public Checkpoint in(Path run) {
    return named.isReference()
        ? named
        : new Checkpoint(NAME, ModelLocator.folder(named.folder(), run.resolve("judge-model")));
  }
}
