package org.autodidact.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/**
 * The rules of {@link Generator#generate}. Extend it and provide a generator over any small model.
 */
public abstract class GeneratorRules extends Rules {
  private static final int TOKENS = 12;
  private Generator generator;

  /** A generator to test; it is closed after each test. */
  protected abstract Generator open();

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

  private GenerationRequest request(int index, SamplingParameters sampling, Long... seeds) {
    return new GenerationRequest(
        Prompt.of("p" + index, instruction(index)), List.of(seeds), sampling);
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
    Map<String, Generation> found = new HashMap<>();
    Thread caller = Thread.currentThread();
    generator.generate(
        requests,
        g -> {
          assertThat(Thread.currentThread()).as("the calling thread").isSameAs(caller);
          assertThat(found.put(g.promptId(), g)).as("%s comes once", g.promptId()).isNull();
        },
        new Cancellation());
    return found;
  }

  /** One generation a request, on the calling thread. */
  @Test
  public void G1_oneGenerationForEachRequest() {
    assertThat(generate(requests(9)))
        .containsOnlyKeys("p0", "p1", "p2", "p3", "p4", "p5", "p6", "p7", "p8");
  }

  /** One candidate a seed, in the order of the seeds. */
  @Test
  public void G2_oneCandidateForEachSeedInOrder() {
    generate(requests(5))
        .forEach(
            (id, g) ->
                assertThat(g.candidates())
                    .extracting(Candidate::seed)
                    .containsExactly(7L + Integer.parseInt(id.substring(1)), 3L, 11L));
  }

  /** A candidate is the same alone and in any batch. */
  @Test
  public void G3_aCandidateDoesNotDependOnItsBatch() {
    Map<String, Generation> together = generate(requests(9));
    for (int i : new int[] {0, 4, 8}) {
      GenerationRequest whole = requests(9).get(i);
      Candidate alone =
          generate(
                  List.of(
                      new GenerationRequest(
                          whole.prompt(), List.of(whole.seeds().get(1)), whole.sampling())))
              .get("p" + i)
              .candidates()
              .get(0);
      Candidate among = together.get("p" + i).candidates().get(1);
      assertThat(among.tokens()).isEqualTo(alone.tokens());
      assertThat(among.text()).isEqualTo(alone.text());
      assertThat(among.logProbability().orElse(0))
          .isCloseTo(alone.logProbability().orElse(0), within(1e-3));
    }
  }

  /** Never too many tokens, and a true reason to end. */
  @Test
  public void G4_theLengthIsKeptAndTheReasonTrue() {
    for (GenerationRequest request : requests(9)) {
      int most = request.sampling().maxTokens();
      for (Candidate c : generate(List.of(request)).get(request.prompt().id()).candidates()) {
        assertThat(c.tokens()).hasSizeLessThanOrEqualTo(most);
        if (c.tokens().size() < most) {
          assertThat(c.finishReason()).isNotEqualTo(FinishReason.MAX_TOKENS);
        }
      }
    }
    SamplingParameters on = SamplingParameters.candidates(TOKENS).withIgnoreEndOfText(true);
    for (Candidate c : generate(List.of(request(1, on, 1L, 2L))).get("p1").candidates()) {
      assertThat(c.tokens()).hasSize(TOKENS);
      assertThat(c.finishReason()).isEqualTo(FinishReason.MAX_TOKENS);
    }
  }

  /** Cancelled before or within, the call ends so, and the generator can be used again. */
  @Test
  public void G5_cancellationEndsTheCall() {
    Cancellation before = new Cancellation();
    before.cancel();
    assertThatThrownBy(() -> generator.generate(requests(2), g -> {}, before))
        .isInstanceOf(CancelledException.class);
    Cancellation within = new Cancellation();
    List<Generation> found = new ArrayList<>();
    assertThatThrownBy(
            () ->
                generator.generate(
                    requests(200),
                    g -> {
                      found.add(g);
                      within.cancel();
                    },
                    within))
        .isInstanceOf(CancelledException.class);
    assertThat(found).isNotEmpty().hasSizeLessThan(200);
    assertThat(generate(requests(2))).hasSize(2);
  }

  /** An exception of the consumer reaches the caller. */
  @Test
  public void G6_theReceiversExceptionReachesTheCaller() {
    RuntimeException full = new IllegalStateException("no more");
    assertThatThrownBy(
            () ->
                generator.generate(
                    requests(3),
                    g -> {
                      throw full;
                    },
                    new Cancellation()))
        .isSameAs(full);
    assertThat(generate(requests(2))).hasSize(2);
  }

  /** Temperature 0 is greedy. */
  @Test
  public void G7_greedyIgnoresSeeds() {
    Generation g =
        generate(List.of(request(2, SamplingParameters.greedy(TOKENS), 1L, 2L, 999L))).get("p2");
    assertThat(g.candidates())
        .extracting(Candidate::text)
        .containsOnly(g.candidates().get(0).text());
  }

  /** Log-probabilities are finite and at most 0. */
  @Test
  public void G8_logProbabilitiesAreOnes() {
    generate(requests(5))
        .values()
        .forEach(
            g ->
                assertThat(g.candidates())
                    .allSatisfy(
                        c ->
                            assertThat(c.logProbability().orElse(0))
                                .isFinite()
                                .isLessThanOrEqualTo(0)));
  }

  /** Nothing asked, nothing done. */
  @Test
  public void G9_noRequestsNoResults() {
    assertThat(generate(List.of())).isEmpty();
  }

  /** Prompt ids are unique in a call. */
  @Test
  public void G10_equalIdsAreRefusedBeforeAnything() {
    SamplingParameters few = SamplingParameters.candidates(2);
    List<Generation> found = new ArrayList<>();
    assertThatThrownBy(
            () ->
                generator.generate(
                    List.of(request(1, few, 1L), request(2, few, 1L), request(1, few, 2L)),
                    found::add,
                    new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("p1");
    assertThat(found).isEmpty();
  }
}
