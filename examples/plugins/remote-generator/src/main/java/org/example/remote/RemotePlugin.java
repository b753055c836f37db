package org.example.remote;

import java.util.List;
import java.util.Set;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Plugin;

public final class RemotePlugin implements Plugin, GeneratorProvider {
  @Override
  public String name() {
    return "chat-completions";
  }

  @Override
  public List<GeneratorProvider> generators() {
    return List.of(this);
  }

  @Override
  public Class<RemoteGenerator.Options> optionsType() {
    return RemoteGenerator.Options.class;
  }

  /** No seeds, token ids or log-probabilities: not all servers have them. */
  @Override
  public Set<GeneratorCapability> capabilities() {
    return Set.of(GeneratorCapability.MODEL_REFERENCES);
  }

  @Override
  public Generator open(GeneratorContext context) {
    return new RemoteGenerator(
        context.checkpoint().location(), context.options().read(RemoteGenerator.Options.class));
  }
}
