package org.autodidact.onnxruntime.batching;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.stream.IntStream;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.cpu.CpuGenerator;

/**
 * What runs to weigh a request's continuations: a prompt and a continuation but for its last token.
 * Continuations of one token, as the digits of a score are, share it.
 *
 * @param answer the request's, which is whole when all of its texts have run
 * @param ids all tokens but the last
 * @param firstRow logits are wanted from this one to the end
 * @param targets the continuations that are weighed by them
 */
public record ScoringSequence(Answer answer, int[] ids, int firstRow, List<Target> targets) {

  /** The {@code index}th continuation's tokens. */
  public record Target(int index, int[] tokens) {}

  /** The distinct texts of a request; refuses what the model cannot hold. */
  public static List<ScoringSequence> of(ScoringRequest request, ModelFolder model) {
    Answer answer = new Answer(request);
    int[] prompt =
        concat(
            model.encoder().prompt(request.prompt().messages()),
            model.encoder().text(request.prefix()));
    int[] end = request.endOfText() ? model.encoder().endOfTurn() : new int[0];
    Map<List<Integer>, ScoringSequence> distinct = new LinkedHashMap<>();
    List<int[]> all = new ArrayList<>();
    request.continuations().forEach(text -> all.add(concat(model.encoder().text(text), end)));
    request.tokens().forEach(ids -> all.add(ids.stream().mapToInt(id -> id).toArray()));
    for (int i = 0; i < all.size(); i++) {
      int[] scored = all.get(i);
      int[] whole = concat(prompt, scored);
      CpuGenerator.requireFits(model.config(), request.prompt().id(), whole, 0);
      answer.tokens[i] = scored.length;
      int[] ids = Arrays.copyOf(whole, whole.length - 1);
      distinct
          .computeIfAbsent(
              Arrays.stream(ids).boxed().toList(),
              k -> new ScoringSequence(answer, ids, prompt.length - 1, new ArrayList<>()))
          .targets()
          .add(new Target(i, scored));
    }
    answer.open = distinct.size();
    return List.copyOf(distinct.values());
  }

  public int rows() {
    return ids.length - firstRow;
  }

  /** The tokens whose logits are wanted. */
  public int[] wanted() {
    return IntStream.range(firstRow, ids.length).toArray();
  }

  /**
   * Adds to each target's log-probability that of its tokens from {@code from} to {@code to}.
   *
   * @param logits what a run wrote
   * @param row where the first of these tokens stands there
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
   * Notes the log-probability of each target, in their order; the scoring, if this was the
   * request's last text. Thread-safe.
   */
  public Optional<Scoring> finish(double[] logProbabilities) {
    Arrays.stream(logProbabilities).forEach(Sampler::requireNumber);
    return answer.put(targets, logProbabilities);
  }

  private static int[] concat(int[] a, int[] b) {
    return IntStream.concat(Arrays.stream(a), Arrays.stream(b)).toArray();
  }

  /** A request's answer in the making; {@code open} texts are still to run. Thread-safe. */
  static final class Answer {
    private final ScoringRequest request;
    private final double[] logProbabilities;
    private final int[] tokens;
    private int open;

    private Answer(ScoringRequest request) {
      this.request = request;
      this.logProbabilities = new double[request.count()];
      this.tokens = new int[logProbabilities.length];
    }

    private synchronized Optional<Scoring> put(List<Target> targets, double[] found) {
      for (int i = 0; i < found.length; i++) {
        logProbabilities[targets.get(i).index()] = found[i];
      }
      open--;
      return open > 0
          ? Optional.empty()
          : Optional.of(
              new Scoring(
                  request.prompt().id(),
                  Arrays.stream(logProbabilities).boxed().toList(),
                  Arrays.stream(tokens).boxed().toList()));
    }
  }
}
