package org.autodidact.external;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Plugin;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.Optimizer;

/** Brings the trainer {@code external}. */
public final class ExternalPlugin implements Plugin, TrainerProvider {
  @Override
  public String name() {
    return "external";
  }

  @Override
  public List<TrainerProvider> trainers() {
    return List.of(this);
  }

  @Override
  public Class<ExternalOptions> optionsType() {
    return ExternalOptions.class;
  }

  /** What some command can do; that of the options is held against theirs. */
  @Override
  public TrainerCapabilities capabilities() {
    return new TrainerCapabilities(
        Set.copyOf(Loss.KNOWN), Set.copyOf(Optimizer.KNOWN), EnumSet.allOf(Feature.class));
  }

  @Override
  public TrainerCapabilities capabilities(PartOptions options) {
    return options.read(ExternalOptions.class).capabilities();
  }

  @Override
  public Trainer create(TrainerContext context) {
    return new ExternalTrainer(
        context.options().read(ExternalOptions.class), context.compute(), context.clock());
  }
}
