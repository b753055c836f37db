package org.autodidact.openai;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Scorer;
import org.autodidact.api.ShownText;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.openai.ServerOptions.HandOver;
import org.autodidact.openai.http.Address;
import org.autodidact.openai.http.Concurrently;
import org.autodidact.openai.http.Server;

/** Opens models on servers of one kind. */
record RemoteProvider(ServerKind kind) implements GeneratorProvider {
  /** What tokenizers cut differently: cases, digits, spaces, marks, scripts, a picture. */
  static final String TOKENIZER_PROBE =
      "The quick brown fox, 1234567.89 km;\n\n  it's \"déjà vu\"\t\u4f60\u597d \u041f\u0440\u0438\u0432\u0435\u0442 \ud83d\ude42 {x_1 != y}";

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
    Optional<TokenRoute> route = TokenRoute.of(kind, server, options.checkModel(), model);
    Optional<LearnerTokens> tokens =
        route.isEmpty()
            ? Optional.empty()
            : folder.map(f -> LearnerTokens.open(f, context.clock()));
    try {
      CandidateSource source =
          tokens
              .<CandidateSource>map(
                  t -> new TokenCompletions(route.get(), t, options.logProbabilities()))
              .orElseGet(() -> new ChatCompletions(server, options, model, kind, models));
      if (tokens.isPresent()) {
        new Abilities(route.get()).requireTokens(options, context.cancellation());
      } else if (kind.can(GeneratorCapability.TOKEN_IDS) && !context.checkpoint().isReference()) {
        requireSameTokenizer(server, model, context);
      }
      Optional<Scorer> scorer =
          route.map(
              r ->
                  new TokenScorer(
                      r,
                      tokens
                          .<Tokens>map(t -> t)
                          .orElseGet(() -> new ServerTokens(server, kind, model)),
                      options.concurrency(),
                      tokens.isPresent()
                          ? OptionalDouble.of(options.rounding())
                          : OptionalDouble.empty(),
                      weights));
      return new RemoteGenerator(
          server,
          options.concurrency(),
          source,
          options.oneRequestAPrompt(),
          scorer,
          tokens,
          weights);
    } catch (RuntimeException | Error e) {
      tokens.ifPresent(LearnerTokens::close);
      throw e;
    }
  }

  /**
   * The token ids of another model's answers are learned as they are, so that they must be those of
   * the learner's tokenizer.
   */
  private void requireSameTokenizer(Server server, String model, GeneratorContext context) {
    List<Integer> theirs = new ArrayList<>();
    Concurrently.<List<Integer>>run(
        1,
        List.of(isEnding -> new ServerTokens(server, kind, model).text(TOKENIZER_PROBE, isEnding)),
        theirs::addAll,
        context.cancellation());
    Path learner = context.checkpoint().folder();
    try (LearnerTokens ours = LearnerTokens.open(learner, context.clock())) {
      if (!ours.text(TOKENIZER_PROBE, () -> false).equals(theirs)) {
        throw new InvalidInputException(
            "the model '"
                + ShownText.of(model, 60)
                + "' of "
                + server.address()
                + " has another tokenizer than "
                + learner
                + ", which would learn its token ids as other words; take the generator"
                + " 'openai-compatible', whose answers are texts, or, for a judge, name the model by"
                + " 'judge.model'");
      }
    }
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
    if (folder.isPresent()) {
      throw new UnsupportedModelException(
          "'hand-over' needs the option 'model': the one name under which the server has each"
              + " iterate that it is handed, "
              + folder.get()
              + " now");
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
