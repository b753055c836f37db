package org.autodidact.api;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Samples answers to prompts from a language model. Bulk work, not chat: give it all the prompts at
 * once and let it decide how to batch them.
 *
 * <p>The rules (G1…) are tested by {@code conformance-tests}. An instance is used by one thread at
 * a time and holds native memory until {@link #close()}.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public interface Generator extends AutoCloseable {

  /**
   * Generates the candidates of every request.
   *
   * <ul>
   *   <li>G1: each request gives exactly one {@link Generation}, handed to {@code results} on the
   *       calling thread as soon as its last candidate ends, in any order of requests.
   *   <li>G2: a generation has one candidate a seed, in the order of the seeds.
   *   <li>G3: a candidate depends on model, prompt, sampling parameters and its own seed, never on
   *       the batch it is decoded in.
   *   <li>G4: no candidate has more than {@link SamplingParameters#maxTokens()} tokens, and its
   *       finish reason says truly why it ended.
   *   <li>G5: once {@code cancellation} is set the call ends with {@link CancelledException} within
   *       a token's time; delivered results stay valid.
   *   <li>G6: an exception thrown by {@code results} ends the call and reaches the caller
   *       unchanged.
   *   <li>G7: temperature 0 ignores seeds: equal prompts give equal texts.
   *   <li>G8: log-probabilities that are there are finite and at most 0, and those of the
   *       candidate's tokens: more tokens after the same ones are less probable.
   *   <li>G9: no request at all returns at once.
   *   <li>G10: two requests with the same prompt id are refused before anything is generated. The
   *       engine does so itself; a generator that a host calls alone should.
   *   <li>G11: what its provider {@linkplain GeneratorProvider#capabilities() says that it can do}
   *       is there in every candidate.
   *   <li>G12: a candidate depends on every message of its prompt, not on the last one alone.
   *   <li>G13: temperature and top-p have their effect: at a high temperature seeds give different
   *       texts, and with a top-p next to 0 they give equal ones.
   *   <li>G14: a stop text ends a candidate before it, with {@link FinishReason#STOP_TEXT}.
   *   <li>G15: token ids that are there are the model's: 0 or more, and others for another text.
   * </ul>
   *
   * @throws InvalidInputException for a prompt that does not fit the model's context, named by id,
   *     before anything is generated
   * @throws CancelledException see G5
   */
  void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation);

  /** The scorer of the same model, where the implementation has one. */
  default Optional<Scorer> scorer() {
    return Optional.empty();
  }

  /** What it asked of a server since it was opened; may be asked until it is closed. */
  @API(status = Status.EXPERIMENTAL, since = "0.2")
  default Usage usage() {
    return Usage.NONE;
  }

  /** Frees native memory. Idempotent. */
  @Override
  void close();
}
