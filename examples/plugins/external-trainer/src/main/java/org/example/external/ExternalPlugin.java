package org.example.external;

import java.util.List;
import org.autodidact.api.Plugin;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;

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
  public Class<ExternalTrainer> optionsType() {
    return ExternalTrainer.class;
  }

  @Override
  public Trainer create(TrainerContext context) {
    return context.options().read(ExternalTrainer.class);
  }
}
