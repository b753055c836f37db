package org.autodidact.openai;

import java.util.Optional;
import java.util.Set;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Scorer;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.openai.http.Address;
import org.autodidact.openai.http.Server;

/** Opens models on servers of one kind. */
record RemoteProvider(ServerKind kind) implements GeneratorProvider {
  @Override
  public String name() {
    return kind.generatorName();
  }

  @Override
  public Class<? extends Record> optionsType() {
    return ServerOptions.class;
  }

  @Override
  public Set<GeneratorCapability> capabilities() {
    return kind.capabilities();
  }

  @Override
  public void check(GeneratorContext context) {
    ServerOptions options = context.options().read(ServerOptions.class);
    Address.parse(options.url());
    model(context, options);
  }

  @Override
  public Generator open(GeneratorContext context) {
    ServerOptions options = context.options().read(ServerOptions.class);
    Server server = options.server();
    String model = model(context, options);
    Models models = Models.of(server, context.cancellation());
    models.require(model, server);
    ChatCompletions chat = new ChatCompletions(server, options, model, kind, models);
    Optional<Scorer> scorer =
        kind.can(GeneratorCapability.SCORES)
            ? Optional.of(new VllmScorer(server, options.concurrency(), model))
            : Optional.empty();
    return new RemoteGenerator(server, options.concurrency(), chat, scorer);
  }

  /** The name of the model on the server. */
  private String model(GeneratorContext context, ServerOptions options) {
    if (options.model().isPresent()) {
      return options.model().get();
    }
    if (!context.checkpoint().isReference()) {
      throw new UnsupportedModelException(
          context.checkpoint().location()
              + " is a folder here, and the generator '"
              + name()
              + "' asks a server; name a model as the server does, or set the option 'model' where"
              + " the server has that folder under another name");
    }
    return context.checkpoint().location();
  }
}
