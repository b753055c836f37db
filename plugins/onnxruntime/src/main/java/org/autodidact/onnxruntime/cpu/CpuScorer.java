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
import org.autodidact.onnxruntime.backend.CacheBudget;
import org.autodidact.onnxruntime.backend.DecoderBackend;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.batching.AdmissionQueue;
import org.autodidact.onnxruntime.batching.ScoringSequence;
import org.autodidact.onnxruntime.batching.Workers;

/**
 * Scores continuations by one prefill of prompt and continuation. Continuations of one token with
 * the same prompt, such as the digits of a score, share the prefill; texts with a common prefix
 * share its KV cache.
 *
 * @param int8 whether the backend computes with quantized weights
 */
record CpuScorer(ModelFolder model, DecoderBackend backend, CacheBudget budget, boolean int8)
    implements Scorer {
  /** Tokens of a prefill of several sequences, padding included, at most (not measured). */
  private static final int MAX_RUN_TOKENS = 1024;

  /** Rows of logits of a run, at most, each as long as the vocabulary (not measured). */
  private static final int MAX_RUN_LOGITS = 256;

  /**
   * Error of a log-probability in int8: of one token, and of a mean over any number. Measured on
   * SmolLM2: a token's deviates by 0.13, the mean of 1048 by 0.010; other models may be worse.
   */
  private static final double INT8_TOKEN_ERROR = 0.8;

  private static final double INT8_MEAN_ERROR = 0.03;

  @Override
  public void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    List<ScoringSequence> sequences = ScoringSequence.of(requests, model);
    if (sequences.isEmpty()) {
      return;
    }
    sequences.sort((a, b) -> Arrays.compare(a.ids(), b.ids()));
    int longest = longest(sequences);
    int fastest = backend.prefillSessions(sequences.size());
    int sessions = budget.affords(longest, fastest) ? fastest : 1;
    backend.prepare(sessions);
    List<Workers.Worker<Scoring>> workers = new ArrayList<>();
    for (int i = 0; i < sessions; i++) {
      List<ScoringSequence> part =
          sequences.subList(sequences.size() * i / sessions, sequences.size() * (i + 1) / sessions);
      DecoderSession session = backend.session(i);
      workers.add((found, stop) -> new Worker(budget, session, sessions, found, stop).run(part));
    }
    Workers.run(workers, results, cancellation);
  }

  private static int longest(List<ScoringSequence> sequences) {
    return sequences.stream().mapToInt(s -> s.ids().length).max().orElseThrow();
  }

  @Override
  public OptionalDouble rounding(int tokens) {
    return OptionalDouble.of(
        int8 ? INT8_TOKEN_ERROR / Math.sqrt(tokens) + INT8_MEAN_ERROR : ScoringSequence.FP32_ERROR);
  }

  /** Scores one session's share of the sequences. */
  private record Worker(
      CacheBudget budget,
      DecoderSession session,
      int sessions,
      Consumer<Scoring> results,
      Cancellation cancellation) {

    /** {@code sequences} are sorted, so that those with a common prefix are neighbours. */
    void run(List<ScoringSequence> sequences) {
      int longest = longest(sequences);
      budget.slots(longest, sessions);
      List<ScoringSequence> singles = new ArrayList<>();
      for (int from = 0; from < sequences.size(); ) {
        int end = from + 1;
        while (end < sequences.size()
            && reusablePrefix(sequences.get(end - 1), sequences.get(end))
                >= AdmissionQueue.MIN_SHARED_TOKENS) {
          end++;
        }
        if (end - from == 1) {
          singles.add(sequences.get(from));
        } else {
          session.cache().layOut(1, longest);
          for (int i = from; i < end; i++) {
            int start = i == from ? 0 : reusablePrefix(sequences.get(i - 1), sequences.get(i));
            runSuffix(sequences.get(i), start);
          }
        }
        from = end;
      }
      singles.sort(Comparator.comparingInt((ScoringSequence s) -> s.ids().length).reversed());
      for (int from = 0; from < singles.size(); ) {
        cancellation.throwIfCancelled();
        int end = batchEnd(singles, from);
        if (end - from == 1) {
          session.cache().layOut(1, singles.get(from).ids().length);
          runSuffix(singles.get(from), 0);
        } else {
          runBatch(singles.subList(from, end));
        }
        from = end;
      }
    }

    /** First tokens of b that are in the cache after a. */
    private int reusablePrefix(ScoringSequence a, ScoringSequence b) {
      return Math.min(AdmissionQueue.reusablePrefix(a.ids(), b.ids()), b.firstWanted());
    }

    /**
     * Scores a sequence whose first {@code start} tokens are in the cache; a long one in chunks, as
     * a row of logits takes memory for the whole vocabulary.
     */
    private void runSuffix(ScoringSequence sequence, int start) {
      double[] sums = new double[sequence.targets().size()];
      int cached = start;
      for (int row = 0; row < sequence.wantedCount(); ) {
        int left = sequence.wantedCount() - row;
        boolean last = left <= MAX_RUN_LOGITS + DecoderSession.UNSHARED_TAIL;
        int end = last ? sequence.wantedCount() : row + MAX_RUN_LOGITS;
        int[] ids = Arrays.copyOf(sequence.ids(), sequence.firstWanted() + end);
        int[] wanted = IntStream.range(sequence.firstWanted() + row, ids.length).toArray();
        cancellation.throwIfCancelled();
        DecoderSession.Logits logits =
            session.run(DecoderSession.Input.ofPrompt(session.cache(), 0, ids, cached, wanted, 1));
        sequence.add(sums, row, end, logits, 0);
        cached = ids.length;
        row = end;
      }
      sequence.finish(sums).ifPresent(results);
    }

    private int batchEnd(List<ScoringSequence> sequences, int from) {
      int width = sequences.get(from).ids().length;
      int slots = budget.slots(width, sessions);
      int end = from;
      int logits = 0;
      do {
        logits += sequences.get(end).wantedCount();
        end++;
      } while (end < sequences.size()
          && end - from < slots
          && (end - from + 1) * width <= MAX_RUN_TOKENS
          && logits + sequences.get(end).wantedCount() <= MAX_RUN_LOGITS);
      return end;
    }

    private void runBatch(List<ScoringSequence> sequences) {
      float[] inverse = new float[sequences.stream().mapToInt(ScoringSequence::wantedCount).sum()];
      Arrays.fill(inverse, 1);
      session.cache().layOut(sequences.size(), sequences.get(0).ids().length);
      DecoderSession.Logits logits =
          session.run(
              DecoderSession.Input.ofPrompts(
                  session.cache(),
                  0,
                  sequences.stream().map(ScoringSequence::ids).toList(),
                  sequences.stream().map(ScoringSequence::wanted).toList(),
                  inverse));
      int row = 0;
      for (ScoringSequence sequence : sequences) {
        double[] sums = new double[sequence.targets().size()];
        sequence.add(sums, 0, sequence.wantedCount(), logits, row);
        sequence.finish(sums).ifPresent(results);
        row += sequence.wantedCount();
      }
    }
  }
}
