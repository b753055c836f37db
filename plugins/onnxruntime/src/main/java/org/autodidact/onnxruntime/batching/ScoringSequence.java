package org.autodidact.onnxruntime.batching;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.autodidact.api.Prompt;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.ContextWindow;
import org.autodidact.onnxruntime.backend.DecoderSession;

/**
 * A sequence that is prefilled to score continuations: prompt and continuation without the last
 * token. Continuations of one token, such as the digits of a score, share one sequence.
 *
 * @param answer the request's answer, which is complete when all of its sequences have run
 * @param ids the sequence's tokens
 * @param firstWanted logits are wanted from this token to the end
 * @param targets the continuations that these logits score
 */
public record ScoringSequence(Answer answer, int[] ids, int firstWanted, List<Target> targets) {
  /** Error of a mean of log-probabilities in float32, as {@link Scorer#rounding}. */
  public static final double FP32_ERROR = 5e-4;

  /** The {@code index}th continuation's tokens. */
  public record Target(int index, int[] tokens) {}

  /** The distinct sequences of some requests; refuses what the model cannot hold. */
  public static List<ScoringSequence> of(List<ScoringRequest> requests, ModelFolder model) {
    List<ScoringSequence> all = new ArrayList<>();
    requests.forEach(request -> all.addAll(of(request, model)));
    return all;
  }

  private static List<ScoringSequence> of(ScoringRequest request, ModelFolder model) {
    Answer answer = new Answer(request);
    int[] prompt =
        concat(
            model.encoder().prompt(request.prompt().messages()),
            model.encoder().text(request.prefix()));
    int[] end = request.endOfText() ? model.encoder().endOfTurn() : new int[0];
    Map<List<Integer>, ScoringSequence> distinct = new LinkedHashMap<>();
    List<int[]> continuations = new ArrayList<>();
    request
        .continuations()
        .forEach(text -> continuations.add(concat(model.encoder().text(text), end)));
    request.tokens().forEach(ids -> continuations.add(ids.stream().mapToInt(id -> id).toArray()));
    for (int i = 0; i < continuations.size(); i++) {
      int[] continuation = continuations.get(i);
      int[] whole = concat(prompt, continuation);
      ContextWindow.requireFits(model.config(), request.prompt().id(), whole, 0);
      answer.tokens[i] = continuation.length;
      int[] ids = Arrays.copyOf(whole, whole.length - 1);
      distinct
          .computeIfAbsent(
              Arrays.stream(ids).boxed().toList(),
              k -> new ScoringSequence(answer, ids, prompt.length - 1, new ArrayList<>()))
          .targets()
          .add(new Target(i, continuation));
    }
    answer.unfinished = distinct.size();
    return List.copyOf(distinct.values());
  }

  /** The prompt of its request, which its tokens begin with. */
  public Prompt prompt() {
    return answer.request.prompt();
  }

  /** Tokens whose logits are wanted. */
  public int wantedCount() {
    return ids.length - firstWanted;
  }

  /** The tokens whose logits are wanted, as indices into the sequence. */
  public int[] wanted() {
    return IntStream.range(firstWanted, ids.length).toArray();
  }

  /**
   * Adds to each target's log-probability that of its tokens from {@code from} to {@code to}.
   *
   * @param row the row of logits of the first of these tokens
   */
  public void add(
      double[] logProbabilities, int from, int to, DecoderSession.Logits logits, int row) {
    for (int i = 0; i < logProbabilities.length; i++) {
      int[] tokens = targets.get(i).tokens();
      for (int t = from; t < to; t++) {
        logProbabilities[i] += logits.logProbability(row + t - from, tokens[t]);
      }
    }
  }

  /**
   * Stores the log-probability of each target, in their order; returns the scoring with the
   * request's last sequence. Thread-safe.
   */
  public Optional<Scoring> finish(double[] logProbabilities) {
    Arrays.stream(logProbabilities).forEach(Sampler::requireNumber);
    return answer.put(targets, logProbabilities);
  }

  private static int[] concat(int[] a, int[] b) {
    return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
  }

  /** The log-probabilities of a request's continuations as they come in. Thread-safe. */
  static final class Answer {
    private final ScoringRequest request;
    private final double[] logProbabilities;
    private final int[] tokens;
    private int unfinished;

    private Answer(ScoringRequest request) {
      this.request = request;
      this.logProbabilities = new double[request.count()];
      this.tokens = new int[logProbabilities.length];
    }

    private synchronized Optional<Scoring> put(List<Target> targets, double[] found) {
      for (int i = 0; i < found.length; i++) {
        logProbabilities[targets.get(i).index()] = found[i];
      }
      unfinished--;
      return unfinished > 0
          ? Optional.empty()
          : Optional.of(
              new Scoring(
                  request.prompt().id(),
                  Arrays.stream(logProbabilities).boxed().toList(),
                  Arrays.stream(tokens).boxed().toList()));
    }
  }
}
