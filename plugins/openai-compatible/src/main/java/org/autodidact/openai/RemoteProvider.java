package org.autodidact.openai;

import java.nio.file.Path;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Scorer;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.openai.ServerOptions.HandOver;
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
    handedOver(context, options).ifPresent(options::onServer);
    if (options.handOver() == HandOver.WEIGHTS) {
      CheckpointLoader.requireWeights(kind);
    }
  }

  @Override
  public Generator open(GeneratorContext context) {
    ServerOptions options = context.options().read(ServerOptions.class);
    Server server = options.server();
    Optional<Path> folder = handedOver(context, options);
    folder.ifPresent(
        f -> new CheckpointLoader(server, kind, options, context.cancellation()).load(f));
    if (folder.isPresent() && options.handOver() != HandOver.PATH) {
      server.endWhenGone(
          "it may have been started anew, without "
              + folder.get()
              + "; what was answered is kept, and resuming hands it over again");
    }
    ServedWeights weights = ServedWeights.of(server.address().uri(), folder, options.handOver());
    Models models = Models.of(server, context.cancellation());
    String model = model(context, options);
    if (options.handOver() != HandOver.PATH) {
      models.require(model, server);
    }
    ChatCompletions chat = new ChatCompletions(server, options, model, kind, models);
    Optional<Scorer> scorer =
        kind.can(GeneratorCapability.SCORES)
            ? Optional.of(
                new VllmScorer(
                    server,
                    options.concurrency(),
                    model,
                    folder.isPresent()
                        ? OptionalDouble.of(options.rounding())
                        : OptionalDouble.empty(),
                    weights))
            : Optional.empty();
    return new RemoteGenerator(server, options.concurrency(), chat, scorer, weights);
  }

  /** The folder that the server is to load. */
  private static Optional<Path> handedOver(GeneratorContext context, ServerOptions options) {
    return options.handOver() == HandOver.NONE || context.checkpoint().isReference()
        ? Optional.empty()
        : Optional.of(context.checkpoint().folder());
  }

  /** The name of the model on the server. */
  private String model(GeneratorContext context, ServerOptions options) {
    Optional<Path> folder = handedOver(context, options);
    if (folder.isPresent() && options.handOver() == HandOver.PATH) {
      return options.onServer(folder.get()).toString();
    }
    if (options.model().isPresent()) {
      return options.model().get();
    }
    if (!context.checkpoint().isReference()) {
      throw new UnsupportedModelException(
          context.checkpoint().location()
              + " is a folder here, and the generator '"
              + name()
              + "' asks a server; name a model as the server does, or set the option 'model' to the"
              + " name under which the server has that folder (and 'hand-over', where it is to have"
              + " each iterate)");
    }
    return context.checkpoint().location();
  }
}
