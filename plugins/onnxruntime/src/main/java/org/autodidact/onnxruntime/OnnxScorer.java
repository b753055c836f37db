package org.autodidact.onnxruntime;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ModelFolder;

/**
 * Weighs texts by one run over prompt and text. Continuations of one token that share their prompt,
 * as the digits of a score do, share the run; texts that begin alike share the beginning.
 */
final class OnnxScorer implements Scorer {
  /** Tokens and logit rows that one run takes, where one sequence does not need more. */
  private static final int RUN_TOKENS = 1024;

  private static final int RUN_LOGITS = 256;

  /** Sequences a thread from which threads work apart. */
  private static final int WORTH_A_THREAD = 4;

  private final OnnxGenerator generator;
  private final ModelFolder model;

  OnnxScorer(OnnxGenerator generator) {
    this.generator = generator;
    this.model = generator.model();
  }

  @Override
  public void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    List<Sequence> sequences = new ArrayList<>();
    for (ScoringRequest request : requests) {
      sequences.addAll(sequences(new Answer(request)));
    }
    if (sequences.isEmpty()) {
      return;
    }
    sequences.sort((a, b) -> Arrays.compare(a.ids(), b.ids()));
    int longest = sequences.stream().mapToInt(s -> s.ids().length).max().orElseThrow();
    int best = generator.engine().split(sequences.size(), WORTH_A_THREAD);
    int parts = generator.affords(longest, best) ? best : 1;
    generator.engine().prepare(parts);
    List<Workers.Worker<Scoring>> workers = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      List<Sequence> part =
          sequences.subList(sequences.size() * i / parts, sequences.size() * (i + 1) / parts);
      DecoderStream stream = generator.engine().stream(i);
      workers.add((found, stop) -> new Part(stream, parts, found, stop).run(part));
    }
    Workers.run(workers, results, cancellation);
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

  /** What one thread does. */
  private final class Part {
    private final DecoderStream stream;
    private final int parts;
    private final Consumer<Scoring> results;
    private final Cancellation cancellation;

    Part(DecoderStream stream, int parts, Consumer<Scoring> results, Cancellation cancellation) {
      this.stream = stream;
      this.parts = parts;
      this.results = results;
      this.cancellation = cancellation;
    }

    /** {@code sequences} are sorted, so that those which begin alike are neighbours. */
    void run(List<Sequence> sequences) {
      int longest = sequences.stream().mapToInt(s -> s.ids().length).max().orElseThrow();
      generator.affordableRows(longest, parts);
      List<Sequence> apart = new ArrayList<>();
      for (int at = 0; at < sequences.size(); ) {
        int end = at + 1;
        while (end < sequences.size()
            && shared(sequences.get(end - 1), sequences.get(end)) >= WaitingShares.WORTH_SHARING) {
          end++;
        }
        if (end - at == 1) {
          apart.add(sequences.get(at));
        } else {
          stream.cache().layOut(1, longest);
          for (int i = at; i < end; i++) {
            int start = i == at ? 0 : shared(sequences.get(i - 1), sequences.get(i));
            cancellation.throwIfCancelled();
            runRest(sequences.get(i), start);
          }
        }
        at = end;
      }
      apart.sort(Comparator.comparingInt((Sequence s) -> s.ids().length).reversed());
      for (int from = 0; from < apart.size(); ) {
        cancellation.throwIfCancelled();
        int to = runEnd(apart, from);
        runTogether(apart.subList(from, to));
        from = to;
      }
    }

    /**
     * Tokens of b that need not be computed after a. Two are left at least: one alone takes other
     * kernels, which round otherwise.
     */
    private int shared(Sequence a, Sequence b) {
      int alike = WaitingShares.alike(a.ids(), b.ids());
      return Math.min(alike, Math.min(b.firstRow(), b.ids().length - 2));
    }

    private void runRest(Sequence sequence, int start) {
      long[] wanted = new long[sequence.rows()];
      for (int i = 0; i < wanted.length; i++) {
        wanted[i] = sequence.firstRow() + i - start;
      }
      finish(
          sequence,
          stream.run(DecoderStream.Input.ofOne(stream.cache(), 0, sequence.ids(), start, wanted)),
          0);
    }

    private int runEnd(List<Sequence> sequences, int from) {
      int width = sequences.get(from).ids().length;
      int most = generator.affordableRows(width, parts);
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

    private void runTogether(List<Sequence> sequences) {
      int width = sequences.get(0).ids().length;
      long[] wanted = new long[sequences.stream().mapToInt(Sequence::rows).sum()];
      float[] inverse = new float[wanted.length];
      Arrays.fill(inverse, 1);
      int row = 0;
      for (int i = 0; i < sequences.size(); i++) {
        for (int t = sequences.get(i).firstRow(); t < sequences.get(i).ids().length; t++) {
          wanted[row++] = (long) i * width + t;
        }
      }
      stream.cache().layOut(sequences.size(), width);
      DecoderStream.Logits logits =
          stream.run(
              DecoderStream.Input.together(
                  stream.cache(),
                  0,
                  sequences.stream().map(Sequence::ids).toList(),
                  wanted,
                  inverse));
      row = 0;
      for (Sequence sequence : sequences) {
        finish(sequence, logits, row);
        row += sequence.rows();
      }
    }

    private void finish(Sequence sequence, DecoderStream.Logits logits, int row) {
      for (Target target : sequence.targets()) {
        double sum = 0;
        for (int t = 0; t < target.tokens().length; t++) {
          sum += logits.logProbability(row + t, target.tokens()[t]);
        }
        sequence.answer().put(target.index(), sum);
      }
      sequence.answer().close().ifPresent(results);
    }
  }

  private static int[] concat(int[] a, int[] b) {
    int[] both = Arrays.copyOf(a, a.length + b.length);
    System.arraycopy(b, 0, both, a.length, b.length);
    return both;
  }

  /** A request's answer in the making; {@code open} sequences are still to run. Thread-safe. */
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

    synchronized void put(int index, double logProbability) {
      logProbabilities[index] = logProbability;
    }

    /** Notes the end of a sequence; with the last one the answer is whole. */
    synchronized Optional<Scoring> close() {
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

  /** What runs: all tokens but the last; logits are wanted from {@code firstRow} to the end. */
  private record Sequence(Answer answer, int[] ids, int firstRow, List<Target> targets) {
    int rows() {
      return ids.length - firstRow;
    }
  }

  /** The {@code index}th continuation's tokens. */
  private record Target(int index, int[] tokens) {}
}
