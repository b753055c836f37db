package org.autodidact.onnxruntime.batching;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.Candidate;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.checkpoints.ModelFolder;

/** A request, its prompt's tokens, and the candidates that have ended so far. Thread-safe. */
public final class GenerationJob {
  private final GenerationRequest request;
  private final int[] promptTokens;
  private final int common;
  private final Candidate[] candidates;
  private final int places;
  private final StopTexts stops;
  private int open;

  /**
   * @param common prompt tokens that are those of a template, for all prompts made by it
   */
  public GenerationJob(
      GenerationRequest request, int[] promptTokens, int common, ModelFolder model) {
    this.request = request;
    this.promptTokens = promptTokens;
    this.common = common;
    this.candidates = new Candidate[request.seeds().size()];
    this.open = candidates.length;
    long wanted = (long) promptTokens.length + request.sampling().maxTokens();
    this.places = (int) Math.min(model.config().contextLength(), wanted);
    this.stops = StopTexts.of(request, model.encoder());
  }

  public GenerationRequest request() {
    return request;
  }

  public int[] promptTokens() {
    return promptTokens;
  }

  /** The prompt's first tokens that are a template's. */
  public List<Integer> common() {
    return Arrays.stream(promptTokens).limit(common).boxed().toList();
  }

  /** What ends its candidates beside the model's own ends. */
  StopTexts stops() {
    return stops;
  }

  /** Tokens that prompt and answer may come to. */
  public int places() {
    return places;
  }

  /** Tokens that the answer may come to. */
  public int answerPlaces() {
    return places - promptTokens.length;
  }

  /** Notes a candidate; with the last one the generation is whole. */
  public synchronized Optional<Generation> finish(int index, Candidate candidate) {
    candidates[index] = candidate;
    open--;
    return open > 0
        ? Optional.empty()
        : Optional.of(
            new Generation(
                request.prompt().id(),
                Arrays.stream(promptTokens).boxed().toList(),
                List.of(candidates)));
  }
}
