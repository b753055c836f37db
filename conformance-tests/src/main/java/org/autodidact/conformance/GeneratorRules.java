package org.autodidact.conformance;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scorer;
import org.autodidact.api.ScoringRequest;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The rules of {@link Generator#generate}. Extend it and provide a generator over any small model,
 * and what its provider says that it can do.
 */
public abstract class GeneratorRules extends Rules {
  private static final int TOKENS = 12;

  /** A temperature at which no model writes one text alone; servers accept it. */
  private static final double HIGH_TEMPERATURE = 1.5;

  private static final double NEARLY_ZERO = 1e-6;
  private Generator generator;

  /** A generator to test; it is closed after each test. */
  protected abstract Generator open();

  /** What its provider says that it can do; by default nothing but texts. */
  protected Set<GeneratorCapability> capabilities() {
    return Set.of();
  }

  /** The text of the {@code index}th prompt; the texts have different lengths. */
  protected String instruction(int index) {
    return "Say number " + index + " " + "again ".repeat(index % 5);
  }

  @BeforeEach
  final void openGenerator() {
    generator = open();
  }

  @AfterEach
  final void closeGenerator() {
    if (generator != null) { // null where the rule is exempt
      generator.close();
      generator.close(); // idempotent
    }
  }

  private boolean can(GeneratorCapability capability) {
    return capabilities().contains(capability);
  }

  private static SamplingParameters sampling(
      double temperature, int topK, double topP, double minP, double penalty, List<String> stop) {
    return new SamplingParameters(TOKENS, temperature, topK, topP, minP, penalty, stop, false);
  }

  private static SamplingParameters hot(double topP) {
    return sampling(HIGH_TEMPERATURE, 0, topP, 0, 1, List.of());
  }

  private GenerationRequest request(int index, SamplingParameters sampling, Long... seeds) {
    return new GenerationRequest(
        Prompt.of("p" + index, instruction(index)), List.of(seeds), sampling);
  }

  private List<GenerationRequest> requests(int count, SamplingParameters sampling, Long... seeds) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      requests.add(request(i, sampling, seeds));
    }
    return requests;
  }

  private List<GenerationRequest> requests(int count) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      requests.add(
          request(i, SamplingParameters.candidates(1 + (i * 5) % TOKENS), 7L + i, 3L, 11L));
    }
    return requests;
  }

  private Map<String, Generation> generate(List<GenerationRequest> requests) {
    Handover<GenerationRequest, Generation> handover =
        new Handover<>(
            Rule.G1,
            requests,
            r -> r.prompt().id(),
            Generation::promptId,
            (GenerationRequest r) -> Shown.of(r));
    call(
        requests.isEmpty() ? Rule.G9 : Rule.G1,
        requests.isEmpty() ? "no request at all" : Shown.of(requests.get(0)) + " and others",
        () -> generator.generate(requests, handover, new Cancellation()));
    Map<String, Generation> found = handover.complete();
    for (GenerationRequest request : requests) {
      List<Candidate> candidates = found.get(request.prompt().id()).candidates();
      check(
          candidates.size() == request.seeds().size(),
          Rule.G2,
          Shown.of(request),
          request.seeds().size() + " candidates",
          candidates.size() + ": " + Shown.candidates(candidates));
    }
    return found;
  }

  private List<Candidate> candidates(GenerationRequest request) {
    return generate(List.of(request)).get(request.prompt().id()).candidates();
  }

  private static Set<String> texts(List<Candidate> candidates) {
    Set<String> texts = new LinkedHashSet<>();
    candidates.forEach(c -> texts.add(c.text()));
    return texts;
  }

  @Test
  public void G1_oneGenerationForEachRequest() {
    generate(requests(9));
  }

  @Test
  public void G2_oneCandidateForEachSeedInOrder() {
    List<GenerationRequest> requests = requests(5);
    Map<String, Generation> found = generate(requests);
    for (GenerationRequest request : requests) {
      List<Candidate> candidates = found.get(request.prompt().id()).candidates();
      check(
          candidates.stream().map(Candidate::seed).toList().equals(request.seeds()),
          Rule.G2,
          Shown.of(request),
          "candidates of these seeds in this order",
          Shown.candidates(candidates));
    }
  }

  /** Without seeds at temperature 0 alone. */
  @Test
  public void G3_aCandidateDoesNotDependOnItsBatch() {
    List<GenerationRequest> requests =
        can(GeneratorCapability.SEEDS)
            ? requests(9)
            : requests(9, SamplingParameters.greedy(TOKENS), 1L, 2L);
    Map<String, Generation> together = generate(requests);
    for (int i : new int[] {0, 4, 8}) {
      GenerationRequest whole = requests.get(i);
      GenerationRequest single =
          new GenerationRequest(whole.prompt(), List.of(whole.seeds().get(1)), whole.sampling());
      Candidate alone = candidates(single).get(0);
      Candidate among = together.get("p" + i).candidates().get(1);
      check(
          among.tokens().equals(alone.tokens())
              && among.text().equals(alone.text())
              && Math.abs(among.logProbability().orElse(0) - alone.logProbability().orElse(0))
                  <= 1e-3,
          Rule.G3,
          Shown.of(single),
          "among eight other prompts what comes alone, " + Shown.of(alone),
          Shown.of(among));
    }
  }

  @Test
  public void G4_theLengthIsKeptAndTheReasonTrue() {
    for (GenerationRequest request : requests(9)) {
      int most = request.sampling().maxTokens();
      for (Candidate c : candidates(request)) {
        int count = c.tokenCount().orElse(c.tokens().size());
        check(
            count <= most, Rule.G4, Shown.of(request), "at most " + most + " tokens", Shown.of(c));
        check(
            c.finishReason() != FinishReason.MAX_TOKENS
                || c.tokenCount().isEmpty()
                || count == most,
            Rule.G4,
            Shown.of(request),
            "another reason, as it has fewer than " + most + " tokens",
            Shown.of(c));
        check(
            c.finishReason() != FinishReason.STOP_TEXT,
            Rule.G4,
            Shown.of(request),
            "another reason, as there is no stop text",
            Shown.of(c));
      }
    }
  }

  @Test
  public void G5_cancellationEndsTheCall() {
    Cancellation before = new Cancellation();
    before.cancel();
    thrown(
        Rule.G5,
        "two requests, cancelled before the call",
        CancelledException.class,
        () -> generator.generate(requests(2), g -> {}, before));
    Cancellation within = new Cancellation();
    List<Generation> found = new ArrayList<>();
    String request = "200 requests, cancelled with the first result";
    thrown(
        Rule.G5,
        request,
        CancelledException.class,
        () ->
            generator.generate(
                requests(200),
                g -> {
                  found.add(g);
                  within.cancel();
                },
                within));
    check(
        !found.isEmpty() && found.size() < 200,
        Rule.G5,
        request,
        "one result or some, not all",
        found.size() + " results");
    generate(requests(2));
  }

  @Test
  public void G6_theReceiversExceptionReachesTheCaller() {
    RuntimeException full = new IllegalStateException("no more");
    String request = "three requests, whose receiver throws " + full;
    RuntimeException found =
        thrown(
            Rule.G6,
            request,
            RuntimeException.class,
            () ->
                generator.generate(
                    requests(3),
                    g -> {
                      throw full;
                    },
                    new Cancellation()));
    check(found == full, Rule.G6, request, "the same exception", found);
    generate(requests(2));
  }

  @Test
  public void G7_greedyIgnoresSeeds() {
    GenerationRequest request = request(2, SamplingParameters.greedy(TOKENS), 1L, 2L, 999L);
    List<Candidate> candidates = candidates(request);
    check(
        texts(candidates).size() == 1,
        Rule.G7,
        Shown.of(request),
        "one text",
        Shown.candidates(candidates));
  }

  @Test
  public void G8_logProbabilitiesAreThoseOfTheTokens() {
    List<GenerationRequest> requests = requests(5);
    Map<String, Generation> found = generate(requests);
    for (GenerationRequest request : requests) {
      for (Candidate c : found.get(request.prompt().id()).candidates()) {
        double value = c.logProbability().orElse(0);
        check(
            Double.isFinite(value) && value <= 0,
            Rule.G8,
            Shown.of(request),
            "a finite number of at most 0",
            Shown.of(c));
      }
    }
    boolean falls = false;
    String compared = "";
    for (int i = 0; i < 5; i++) {
      Candidate one = candidates(request(i, SamplingParameters.greedy(1), 1L)).get(0);
      GenerationRequest longer = request(i, SamplingParameters.greedy(TOKENS), 1L);
      Candidate all = candidates(longer).get(0);
      if (all.text().length() > one.text().length()
          && one.logProbability().isPresent()
          && all.logProbability().isPresent()) {
        double first = one.logProbability().getAsDouble();
        double whole = all.logProbability().getAsDouble();
        compared = Shown.of(longer) + "; with max-tokens 1 it is " + Shown.of(one);
        check(
            whole <= first + 1e-3,
            Rule.G8,
            compared,
            "less than that of its first token, " + first,
            Shown.of(all));
        falls |= whole < first;
      }
      checkByScorer(longer, all);
    }
    check(
        falls || compared.isEmpty(),
        Rule.G8,
        compared,
        "in one of five prompts another log-probability for " + TOKENS + " tokens than for one",
        "equal ones");
  }

  /** Where there is a scorer of tokens, it finds what the generator says. */
  private void checkByScorer(GenerationRequest request, Candidate candidate) {
    int count = candidate.tokens().size();
    Optional<Scorer> scorer = generator.scorer();
    if (scorer.isEmpty() || count == 0 || candidate.logProbability().isEmpty()) {
      return;
    }
    OptionalDouble rounding = scorer.get().rounding(count);
    if (rounding.isEmpty()) {
      return;
    }
    double[] scored = new double[1];
    call(
        Rule.W1,
        Shown.of(request),
        () ->
            scorer
                .get()
                .score(
                    List.of(ScoringRequest.ofTokens(request.prompt(), List.of(candidate.tokens()))),
                    s -> scored[0] = s.logProbabilities().get(0),
                    new Cancellation()));
    check(
        Math.abs(scored[0] - candidate.logProbability().getAsDouble())
            <= 2 * rounding.getAsDouble() * count + 1e-3,
        Rule.G8,
        Shown.of(request),
        "what the scorer finds for these tokens, " + scored[0],
        Shown.of(candidate));
  }

  @Test
  public void G9_noRequestsNoResults() {
    Handover<GenerationRequest, Generation> none =
        new Handover<>(
            Rule.G9,
            List.of(),
            r -> r.prompt().id(),
            Generation::promptId,
            (GenerationRequest r) -> Shown.of(r));
    call(
        Rule.G9,
        "no request at all",
        () -> generator.generate(List.of(), none, new Cancellation()));
    none.complete();
  }

  @Test
  public void G10_equalIdsAreRefusedBeforeAnything() {
    SamplingParameters few = SamplingParameters.candidates(2);
    List<Generation> found = new ArrayList<>();
    String request = "the prompt ids p1, p2, p1";
    InvalidInputException refused =
        thrown(
            Rule.G10,
            request,
            InvalidInputException.class,
            () ->
                generator.generate(
                    List.of(request(1, few, 1L), request(2, few, 1L), request(1, few, 2L)),
                    found::add,
                    new Cancellation()));
    check(
        refused.getMessage().contains("p1"),
        Rule.G10,
        request,
        "a message that names 'p1'",
        refused.getMessage());
    check(found.isEmpty(), Rule.G10, request, "no result", found.size() + " results");
  }

  @Test
  public void G11_whatItsProviderSaysIsThere() {
    List<GenerationRequest> requests = requests(5, hot(1), 1L, 2L, 3L);
    Map<String, Generation> found = generate(requests);
    for (GenerationRequest request : requests) {
      Generation generation = found.get(request.prompt().id());
      claimed(
          GeneratorCapability.TOKEN_IDS,
          request,
          !generation.promptTokens().isEmpty(),
          "the prompt's tokens " + generation.promptTokens());
      for (Candidate c : generation.candidates()) {
        claimed(
            GeneratorCapability.TOKEN_IDS,
            request,
            !c.tokens().isEmpty() || c.text().isEmpty(),
            "no token ids in " + Shown.of(c));
        claimed(
            GeneratorCapability.LOG_PROBABILITIES,
            request,
            c.logProbability().isPresent(),
            "none in " + Shown.of(c));
      }
    }
    claimed(
        GeneratorCapability.SCORES, requests.get(0), generator.scorer().isPresent(), "no scorer");
    if (can(GeneratorCapability.SEEDS)) {
      Map<String, Generation> again = generate(requests);
      for (GenerationRequest request : requests) {
        List<Candidate> first = found.get(request.prompt().id()).candidates();
        List<Candidate> second = again.get(request.prompt().id()).candidates();
        claimed(
            GeneratorCapability.SEEDS,
            request,
            first.stream()
                .map(Candidate::text)
                .toList()
                .equals(second.stream().map(Candidate::text).toList()),
            "at first " + Shown.candidates(first) + ", then " + Shown.candidates(second));
      }
    }
    claimed(GeneratorCapability.TOP_K, sampling(HIGH_TEMPERATURE, 1, 1, 0, 1, List.of()));
    claimed(GeneratorCapability.MIN_P, sampling(HIGH_TEMPERATURE, 0, 1, 1, 1, List.of()));
    if (can(GeneratorCapability.REPETITION_PENALTY)) {
      List<GenerationRequest> plain = requests(9, SamplingParameters.greedy(TOKENS), 1L);
      Map<String, Generation> without = generate(plain);
      Map<String, Generation> with =
          generate(requests(9, sampling(0, 0, 1, 0, 1000, List.of()), 1L));
      claimed(
          GeneratorCapability.REPETITION_PENALTY,
          plain.get(0),
          plain.stream()
              .map(r -> r.prompt().id())
              .anyMatch(
                  id ->
                      !texts(with.get(id).candidates())
                          .equals(texts(without.get(id).candidates()))),
          "equal texts for nine prompts with the penalty 1000");
    }
    if (can(GeneratorCapability.IGNORE_END_OF_TEXT)) {
      GenerationRequest on =
          request(1, SamplingParameters.candidates(TOKENS).withIgnoreEndOfText(true), 1L, 2L);
      for (Candidate c : candidates(on)) {
        claimed(
            GeneratorCapability.IGNORE_END_OF_TEXT,
            on,
            c.finishReason() == FinishReason.MAX_TOKENS && c.tokenCount().orElse(TOKENS) == TOKENS,
            Shown.of(c));
      }
    }
  }

  private void claimed(
      GeneratorCapability capability, GenerationRequest request, boolean holds, String found) {
    check(
        holds || !can(capability),
        Rule.G11,
        Shown.of(request),
        capability + ", as its provider says",
        found);
  }

  /** Sampling from the most likely token alone: seeds give equal texts. */
  private void claimed(GeneratorCapability capability, SamplingParameters mostLikely) {
    if (can(capability)) {
      for (GenerationRequest request : requests(3, mostLikely, 1L, 2L, 3L, 4L)) {
        List<Candidate> candidates = candidates(request);
        claimed(capability, request, texts(candidates).size() == 1, Shown.candidates(candidates));
      }
    }
  }

  @Test
  public void G12_everyMessageCounts() {
    boolean seeds = can(GeneratorCapability.SEEDS);
    SamplingParameters sampling = seeds ? hot(1) : SamplingParameters.greedy(TOKENS);
    List<GenerationRequest> requests = new ArrayList<>();
    for (String name : List.of("Ada", "Zeno of Citium")) {
      requests.add(
          new GenerationRequest(
              new Prompt(
                  name,
                  List.of(
                      Message.user("My name is " + name + "."),
                      Message.assistant("Hello, " + name + "!"),
                      Message.user("What is my name?"))),
              seeds ? List.of(1L, 2L, 3L, 4L) : List.of(1L),
              sampling));
    }
    Map<String, Generation> found = generate(requests);
    Generation one = found.get("Ada");
    Generation other = found.get("Zeno of Citium");
    check(
        !texts(one.candidates()).equals(texts(other.candidates()))
            || !seeds
                && !(one.promptTokens().equals(other.promptTokens())
                    && logProbabilities(one).equals(logProbabilities(other))),
        Rule.G12,
        Shown.of(requests.get(0)) + " and the same with another name",
        "something that differs",
        "for both the same: " + Shown.candidates(one.candidates()));
  }

  private static List<OptionalDouble> logProbabilities(Generation generation) {
    return generation.candidates().stream().map(Candidate::logProbability).toList();
  }

  @Test
  public void G13_temperatureAndTopPHaveTheirEffect() {
    List<GenerationRequest> high = requests(3, hot(1), 1L, 2L, 3L, 4L);
    Map<String, Generation> found = generate(high);
    check(
        high.stream().anyMatch(r -> texts(found.get(r.prompt().id()).candidates()).size() > 1),
        Rule.G13,
        Shown.of(high.get(0)) + " and two other prompts",
        "different texts for a prompt",
        Shown.candidates(found.get("p0").candidates()));
    for (GenerationRequest narrow : requests(3, hot(NEARLY_ZERO), 1L, 2L, 3L, 4L)) {
      List<Candidate> candidates = candidates(narrow);
      check(
          texts(candidates).size() == 1,
          Rule.G13,
          Shown.of(narrow),
          "one text, as the most likely token alone is left",
          Shown.candidates(candidates));
    }
  }

  @Test
  public void G14_aStopTextEndsTheCandidateBeforeIt() {
    boolean tested = false;
    for (int i = 0; i < 9 && !tested; i++) {
      String whole = candidates(request(i, SamplingParameters.greedy(TOKENS), 1L)).get(0).text();
      Optional<String> stop = letter(whole);
      if (stop.isPresent()) {
        tested = true;
        GenerationRequest request =
            request(i, SamplingParameters.greedy(TOKENS).withStop(stop.get()), 1L);
        Candidate ended = candidates(request).get(0);
        String kept = whole.substring(0, whole.indexOf(stop.get()));
        check(
            ended.text().equals(kept) && ended.finishReason() == FinishReason.STOP_TEXT,
            Rule.G14,
            Shown.of(request) + ", whose text without it is " + Shown.text(whole),
            Shown.text(kept) + ", STOP_TEXT",
            Shown.of(ended));
      }
    }
    Assumptions.assumeTrue(tested, "no greedy text of nine has a letter to stop at");
  }

  /** A letter or digit of the text that does not begin it. */
  private static Optional<String> letter(String text) {
    return text.codePoints()
        .filter(c -> c < 128 && Character.isLetterOrDigit(c))
        .mapToObj(Character::toString)
        .filter(c -> text.indexOf(c) > 0)
        .findFirst();
  }

  @Test
  public void G15_tokenIdsAreTheModels() {
    List<GenerationRequest> requests = requests(5, hot(1), 1L, 2L, 3L);
    Map<String, Generation> found = generate(requests);
    Map<List<Integer>, String> textOf = new HashMap<>();
    Map<List<Integer>, String> promptOf = new HashMap<>();
    for (GenerationRequest request : requests) {
      Generation generation = found.get(request.prompt().id());
      checkIds(request, "the prompt", generation.promptTokens());
      if (!generation.promptTokens().isEmpty()) {
        String other = promptOf.put(generation.promptTokens(), request.prompt().id());
        check(
            other == null,
            Rule.G15,
            Shown.of(request),
            "other ids than the prompt '" + other + "' has",
            generation.promptTokens());
      }
      for (Candidate c : generation.candidates()) {
        checkIds(request, "seed " + c.seed(), c.tokens());
        if (!c.tokens().isEmpty()) {
          String other = textOf.put(c.tokens(), c.text());
          check(
              other == null || other.equals(c.text()),
              Rule.G15,
              Shown.of(request),
              "other ids than the text " + Shown.text(String.valueOf(other)) + " has",
              c.tokens() + " for " + Shown.of(c));
        }
      }
    }
  }

  private static void checkIds(GenerationRequest request, String whose, List<Integer> ids) {
    check(
        ids.stream().allMatch(id -> id >= 0),
        Rule.G15,
        Shown.of(request),
        "ids of 0 or more for " + whose,
        ids);
  }
}
