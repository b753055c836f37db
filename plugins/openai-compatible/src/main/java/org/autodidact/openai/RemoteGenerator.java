package org.autodidact.openai;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Scorer;
import org.autodidact.api.Usage;
import org.autodidact.openai.http.Concurrently;
import org.autodidact.openai.http.Server;

/** Samples from a model on a server, some requests at a time. */
final class RemoteGenerator implements Generator {
  private static final System.Logger LOGGER = System.getLogger(RemoteGenerator.class.getName());

  private final Server server;
  private final int concurrency;
  private final CandidateSource source;
  private final boolean together;
  private final Optional<Scorer> scorer;
  private final Optional<LearnerTokens> tokens;
  private final ServedWeights weights;
  private boolean closed;

  RemoteGenerator(
      Server server,
      int concurrency,
      CandidateSource source,
      boolean together,
      Optional<Scorer> scorer,
      Optional<LearnerTokens> tokens,
      ServedWeights weights) {
    this.server = server;
    this.concurrency = concurrency;
    this.source = source;
    this.together = together;
    this.scorer = scorer;
    this.tokens = tokens;
    this.weights = weights;
  }

  /** The answers for the seeds of a request from an index on. */
  private record Part(GenerationRequest request, int index, List<Answer> answers) {}

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    weights.requireServed();
    Set<String> ids = new HashSet<>();
    List<Concurrently.Call<Part>> calls = new ArrayList<>();
    for (GenerationRequest request : requests) {
      if (!ids.add(request.prompt().id())) {
        throw new InvalidInputException(
            "prompt id '" + request.prompt().id() + "' occurs twice; ids must be unique in a call");
      }
      int asked = asked(request);
      int step = together ? asked : 1;
      for (int i = 0; i < asked; i += step) {
        int index = i;
        List<Long> seeds = request.seeds().subList(index, index + step);
        calls.add(
            isEnding ->
                new Part(
                    request,
                    index,
                    source.ask(request.prompt(), seeds, request.sampling(), isEnding)));
      }
    }
    Map<String, Answer[]> open = new HashMap<>();
    Concurrently.run(concurrency, calls, part -> add(part, open, results), cancellation);
  }

  /** At temperature 0 seeds have no effect: one answer is every candidate (rule G7). */
  private static int asked(GenerationRequest request) {
    return request.sampling().temperature() == 0 ? 1 : request.seeds().size();
  }

  private static void add(Part part, Map<String, Answer[]> open, Consumer<Generation> results) {
    GenerationRequest request = part.request();
    String id = request.prompt().id();
    Answer[] answers = open.computeIfAbsent(id, k -> new Answer[asked(request)]);
    for (int i = 0; i < part.answers().size(); i++) {
      answers[part.index() + i] = part.answers().get(i);
    }
    for (Answer answer : answers) {
      if (answer == null) {
        return;
      }
    }
    open.remove(id);
    List<Candidate> candidates = new ArrayList<>();
    for (int i = 0; i < request.seeds().size(); i++) {
      candidates.add(
          withSeed(answers[Math.min(i, answers.length - 1)].candidate(), request.seeds().get(i)));
    }
    results.accept(new Generation(id, answers[0].promptTokens(), candidates));
  }

  private static Candidate withSeed(Candidate candidate, long seed) {
    return new Candidate(
        seed,
        candidate.text(),
        candidate.tokens(),
        candidate.tokenCount(),
        candidate.logProbability(),
        candidate.finishReason());
  }

  @Override
  public Optional<Scorer> scorer() {
    return scorer;
  }

  @Override
  public Usage usage() {
    return server.budget().usage();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    tokens.ifPresent(LearnerTokens::close);
    if (!usage().equals(Usage.NONE)) {
      LOGGER.log(
          System.Logger.Level.INFO,
          "{0}: {1}",
          Objects.toString(server.address()),
          server.budget().toString());
    }
  }
}
