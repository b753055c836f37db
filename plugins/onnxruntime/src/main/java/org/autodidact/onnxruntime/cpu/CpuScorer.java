package org.autodidact.onnxruntime.cpu;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.List;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.batching.AdmissionQueue;
import org.autodidact.onnxruntime.batching.ScoringSequence;
import org.autodidact.onnxruntime.batching.Workers;

/**
 * Weighs texts by one run over prompt and text. Continuations of one token that share their prompt,
 * as the digits of a score do, share the run; texts that begin alike share the beginning.
 */
final class CpuScorer implements Scorer {
  /** Tokens and logit rows that one run takes, where one sequence does not need more. */
  private static final int RUN_TOKENS = 1024;

  private static final int RUN_LOGITS = 256;

  private final CpuGenerator generator;
  private final ModelFolder model;

  CpuScorer(CpuGenerator generator) {
    this.generator = generator;
    this.model = generator.model();
  }

  @Override
  public void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    List<ScoringSequence> sequences = new ArrayList<>();
    for (ScoringRequest request : requests) {
      sequences.addAll(ScoringSequence.of(request, model));
    }
    if (sequences.isEmpty()) {
      return;
    }
    sequences.sort((a, b) -> Arrays.compare(a.ids(), b.ids()));
    int longest = sequences.stream().mapToInt(s -> s.ids().length).max().orElseThrow();
    int best = generator.engine().splitReading(sequences.size());
    int parts = generator.affords(longest, best) ? best : 1;
    generator.engine().prepare(parts);
    List<Workers.Worker<Scoring>> workers = new ArrayList<>();
    for (int i = 0; i < parts; i++) {
      List<ScoringSequence> part =
          sequences.subList(sequences.size() * i / parts, sequences.size() * (i + 1) / parts);
      DecoderSession stream = generator.engine().stream(i);
      workers.add((found, stop) -> new Part(stream, parts, found, stop).run(part));
    }
    Workers.run(workers, results, cancellation);
  }

  @Override
  public OptionalDouble rounding(int tokens) {
    return OptionalDouble.of(generator.rounding(tokens));
  }

  /** What one thread does. */
  private final class Part {
    private final DecoderSession stream;
    private final int parts;
    private final Consumer<Scoring> results;
    private final Cancellation cancellation;

    Part(DecoderSession stream, int parts, Consumer<Scoring> results, Cancellation cancellation) {
      this.stream = stream;
      this.parts = parts;
      this.results = results;
      this.cancellation = cancellation;
    }

    /** {@code sequences} are sorted, so that those which begin alike are neighbours. */
    void run(List<ScoringSequence> sequences) {
      int longest = sequences.stream().mapToInt(s -> s.ids().length).max().orElseThrow();
      generator.affordableRows(longest, parts);
      List<ScoringSequence> apart = new ArrayList<>();
      for (int at = 0; at < sequences.size(); ) {
        int end = at + 1;
        while (end < sequences.size()
            && shared(sequences.get(end - 1), sequences.get(end)) >= AdmissionQueue.WORTH_SHARING) {
          end++;
        }
        if (end - at == 1) {
          apart.add(sequences.get(at));
        } else {
          stream.cache().layOut(1, longest);
          for (int i = at; i < end; i++) {
            int start = i == at ? 0 : shared(sequences.get(i - 1), sequences.get(i));
            runRest(sequences.get(i), start);
          }
        }
        at = end;
      }
      apart.sort(Comparator.comparingInt((ScoringSequence s) -> s.ids().length).reversed());
      for (int from = 0; from < apart.size(); ) {
        cancellation.throwIfCancelled();
        int to = runEnd(apart, from);
        if (to - from == 1) {
          stream.cache().layOut(1, apart.get(from).ids().length);
          runRest(apart.get(from), 0);
        } else {
          runTogether(apart.subList(from, to));
        }
        from = to;
      }
    }

    /** Tokens of b that need not be computed after a. */
    private int shared(ScoringSequence a, ScoringSequence b) {
      return Math.min(AdmissionQueue.shared(a.ids(), b.ids()), b.firstRow());
    }

    /**
     * Weighs a text whose beginning, up to {@code start}, is in the cache; a long one piece by
     * piece, as each row of logits takes as many numbers as there are tokens.
     */
    private void runRest(ScoringSequence text, int start) {
      double[] sums = new double[text.targets().size()];
      int computed = start;
      for (int row = 0; row < text.rows(); ) {
        boolean last = text.rows() - row <= RUN_LOGITS + DecoderSession.TAIL;
        int end = last ? text.rows() : row + RUN_LOGITS;
        int[] ids = Arrays.copyOf(text.ids(), text.firstRow() + end);
        int[] wanted = IntStream.range(text.firstRow() + row, ids.length).toArray();
        cancellation.throwIfCancelled();
        text.add(
            sums,
            row,
            end,
            stream.run(DecoderSession.Input.ofOne(stream.cache(), 0, ids, computed, wanted, 1)),
            0);
        computed = ids.length;
        row = end;
      }
      text.finish(sums).ifPresent(results);
    }

    private int runEnd(List<ScoringSequence> sequences, int from) {
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

    private void runTogether(List<ScoringSequence> sequences) {
      int width = sequences.get(0).ids().length;
      float[] inverse = new float[sequences.stream().mapToInt(ScoringSequence::rows).sum()];
      Arrays.fill(inverse, 1);
      stream.cache().layOut(sequences.size(), width);
      DecoderSession.Logits logits =
          stream.run(
              DecoderSession.Input.together(
                  stream.cache(),
                  0,
                  sequences.stream().map(ScoringSequence::ids).toList(),
                  sequences.stream().map(ScoringSequence::wanted).toList(),
                  inverse));
      int row = 0;
      for (ScoringSequence sequence : sequences) {
        double[] sums = new double[sequence.targets().size()];
        sequence.add(sums, 0, sequence.rows(), logits, row);
        sequence.finish(sums).ifPresent(results);
        row += sequence.rows();
      }
    }
  }
}
