package org.autodidact.onnxruntime.batching;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.Candidate;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.ContextWindow;

/** A request, its prompt's tokens, and the candidates that are finished so far. Thread-safe. */
public final class GenerationJob {
  private final GenerationRequest request;
  private final int[] promptTokens;
  private final int templateLength;
  private final Candidate[] candidates;
  private final int maxLength;
  private final StopTexts stops;
  private int unfinished;

  /**
   * @param templateLength first tokens of the prompt that are its template's, shared with others
   */
  public GenerationJob(
      GenerationRequest request, int[] promptTokens, int templateLength, ModelFolder model) {
    this.request = request;
    this.promptTokens = promptTokens;
    this.templateLength = templateLength;
    this.candidates = new Candidate[request.seeds().size()];
    this.unfinished = candidates.length;
    long wanted = (long) promptTokens.length + request.sampling().maxTokens();
    this.maxLength = (int) Math.min(model.config().contextLength(), wanted);
    this.stops = StopTexts.of(request, model.encoder());
  }

  /** A request's prompt as tokens; refuses what the model cannot hold with a token more. */
  public static int[] promptTokens(GenerationRequest request, ModelFolder model) {
    int[] tokens = model.encoder().prompt(request.prompt().messages());
    ContextWindow.requireFits(model.config(), request.prompt().id(), tokens, 1);
    return tokens;
  }

  /**
   * Refuses a repetition penalty, where a device does not compute it.
   *
   * @param remedy what else to do, the end of the message
   */
  public static void requireNoPenalty(GenerationRequest request, String remedy) {
    if (request.sampling().repetitionPenalty() != 1) {
      throw new InvalidInputException(
          "prompt '"
              + request.prompt().id()
              + "' asks for a repetition penalty, which is supported on the CPU only; use 1"
              + remedy);
    }
  }

  /** Refuses a sequence that needs more bytes of cache than there may be. */
  public void requireMemory(long needed, long budget) {
    if (needed > budget) {
      throw new InvalidInputException(
          "prompt '"
              + request.prompt().id()
              + "' and its answer, "
              + maxLength
              + " tokens, need "
              + ((needed >> 20) + 1)
              + " MiB of cache, the budget is "
              + (budget >> 20)
              + " MiB; raise --memory, or shorten the prompt or --max-tokens");
    }
  }

  public GenerationRequest request() {
    return request;
  }

  public int[] promptTokens() {
    return promptTokens;
  }

  /** The template's tokens, which the prompt begins with; empty where it shares none. */
  public List<Integer> templatePrefix() {
    return Arrays.stream(promptTokens).limit(templateLength).boxed().toList();
  }

  /** What ends its candidates beside the model's own end-of-turn tokens. */
  StopTexts stops() {
    return stops;
  }

  /** Tokens of prompt and answer, at most. */
  public int maxLength() {
    return maxLength;
  }

  /** Tokens of the answer, at most. */
  public int maxAnswer() {
    return maxLength - promptTokens.length;
  }

  /** Stores a finished candidate; returns the generation with the last one. */
  public synchronized Optional<Generation> finish(int index, Candidate candidate) {
    candidates[index] = candidate;
    unfinished--;
    return unfinished > 0
        ? Optional.empty()
        : Optional.of(
            new Generation(
                request.prompt().id(),
                Arrays.stream(promptTokens).boxed().toList(),
                List.of(candidates)));
  }
}
