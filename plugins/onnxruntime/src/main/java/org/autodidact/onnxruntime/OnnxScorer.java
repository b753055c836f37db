package org.autodidact.onnxruntime;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ModelFolder;

/**
 * Weighs texts by one run over prompt and text. Continuations of one token that share their prompt,
 * as the digits of a score do, share the run.
 */
final class OnnxScorer implements Scorer {
  /** Tokens and logit rows that one run takes, where one sequence does not need more. */
  private static final int RUN_TOKENS = 1024;

  private static final int RUN_LOGITS = 256;

  private final ModelFolder model;
  private final DecoderSession session;
  private final OnnxGenerator generator;

  OnnxScorer(ModelFolder model, DecoderSession session, OnnxGenerator generator) {
    this.model = model;
    this.session = session;
    this.generator = generator;
  }

  @Override
  public void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    List<Sequence> sequences = new ArrayList<>();
    for (ScoringRequest request : requests) {
      sequences.addAll(sequences(new Answer(request)));
    }
    sequences.sort(Comparator.comparingInt((Sequence s) -> s.ids().length).reversed());
    for (int from = 0; from < sequences.size(); ) {
      cancellation.throwIfCancelled();
      int to = runEnd(sequences, from);
      run(sequences.subList(from, to), results);
      from = to;
    }
  }

  private List<Sequence> sequences(Answer answer) {
    ScoringRequest request = answer.request;
    int[] prompt =
        concat(
            model.encoder().prompt(request.prompt().messages()),
            model.encoder().text(request.prefix()));
    int[] end = request.endOfText() ? model.encoder().endOfTurn() : new int[0];
    Map<List<Integer>, Sequence> distinct = new LinkedHashMap<>();
    for (int i = 0; i < request.continuations().size(); i++) {
      int[] scored = concat(model.encoder().text(request.continuations().get(i)), end);
      int[] whole = concat(prompt, scored);
      OnnxGenerator.requireFits(model.config(), request.prompt().id(), whole, 0);
      answer.tokens[i] = scored.length;
      int[] input = Arrays.copyOf(whole, whole.length - 1);
      distinct
          .computeIfAbsent(
              Arrays.stream(input).boxed().toList(),
              k -> new Sequence(answer, input, prompt.length - 1, new ArrayList<>()))
          .targets()
          .add(new Target(i, scored));
    }
    answer.open = distinct.size();
    return List.copyOf(distinct.values());
  }

  private int runEnd(List<Sequence> sequences, int from) {
    int width = sequences.get(from).ids().length;
    int most = generator.affordableRows(width);
    int to = from;
    int logits = 0;
    do {
      logits += sequences.get(to).rows();
      to++;
    } while (to < sequences.size()
        && to - from < most
        && (to - from + 1) * width <= RUN_TOKENS
        && logits + sequences.get(to).rows() <= RUN_LOGITS);
    return to;
  }

  private void run(List<Sequence> sequences, Consumer<Scoring> results) {
    int width = sequences.get(0).ids().length;
    long[] ids = new long[sequences.size() * width];
    int[] lengths = new int[sequences.size()];
    long[] wanted = new long[sequences.stream().mapToInt(Sequence::rows).sum()];
    float[] inverse = new float[wanted.length];
    Arrays.fill(inverse, 1);
    int row = 0;
    for (int i = 0; i < sequences.size(); i++) {
      Sequence sequence = sequences.get(i);
      lengths[i] = sequence.ids().length;
      for (int t = 0; t < lengths[i]; t++) {
        ids[i * width + t] = sequence.ids()[t];
      }
      for (int t = sequence.firstRow(); t < lengths[i]; t++) {
        wanted[row++] = (long) i * width + t;
      }
    }
    session.cache().layOut(sequences.size(), width);
    DecoderSession.Logits logits = session.run(0, ids, width, lengths, wanted, inverse);
    row = 0;
    for (Sequence sequence : sequences) {
      for (Target target : sequence.targets()) {
        double sum = 0;
        for (int t = 0; t < target.tokens().length; t++) {
          sum += logits.logProbability(row + t, target.tokens()[t]);
        }
        sequence.answer().logProbabilities[target.index()] = sum;
      }
      row += sequence.rows();
      if (--sequence.answer().open == 0) {
        results.accept(sequence.answer().scoring());
      }
    }
  }

  private static int[] concat(int[] a, int[] b) {
    int[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  /** A request's answer in the making; {@code open} sequences are still to run. */
  private static final class Answer {
    private final ScoringRequest request;
    private final double[] logProbabilities;
    private final int[] tokens;
    private int open;

    Answer(ScoringRequest request) {
      this.request = request;
      this.logProbabilities = new double[request.continuations().size()];
      this.tokens = new int[logProbabilities.length];
    }

    Scoring scoring() {
      return new Scoring(
          request.prompt().id(),
          Arrays.stream(logProbabilities).boxed().toList(),
          Arrays.stream(tokens).boxed().toList());
    }
  }

  /** What runs: all tokens but the last; logits are wanted from {@code firstRow} to the end. */
  private record Sequence(Answer answer, int[] ids, int firstRow, List<Target> targets) {
    int rows() {
      return ids.length - firstRow;
    }
  }

  /** The {@code index}th continuation's tokens. */
  private record Target(int index, int[] tokens) {}
}
