package org.autodidact.onnxruntime;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.ModelFolder;

/**
 * The rows that decode together. Row i of the list is row i of the cache; the list has no holes:
 * when a row ends, the last one moves into its place.
 */
final class DecodingBatch {
  /** Prompt tokens that one run takes at most, padding included; a longer prompt goes alone. */
  private static final int PREFILL_TOKENS = 2048;

  private final ModelFolder model;
  private final DecoderSession session;
  private final KeyValueCache cache;
  private final Consumer<Generation> results;
  private final Cancellation cancellation;
  private final boolean parallel;
  private final ThreadLocal<Sampler.Scratch> scratch;
  private final List<Row> rows = new ArrayList<>();

  DecodingBatch(
      ModelFolder model,
      DecoderSession session,
      int threads,
      Consumer<Generation> results,
      Cancellation cancellation) {
    this.model = model;
    this.session = session;
    this.cache = session.cache();
    this.results = results;
    this.cancellation = cancellation;
    this.parallel = threads > 1;
    int vocabulary = model.config().vocabularySize();
    this.scratch = ThreadLocal.withInitial(() -> new Sampler.Scratch(vocabulary));
  }

  void run(Deque<Job> waiting) {
    Deque<Share> shares = new ArrayDeque<>();
    for (Job job : waiting) {
      for (int from = 0; from < job.request().seeds().size(); from += cache.rows()) {
        shares.add(
            new Share(job, from, Math.min(cache.rows(), job.request().seeds().size() - from)));
      }
    }
    while (!shares.isEmpty() || !rows.isEmpty()) {
      cancellation.throwIfCancelled();
      List<Share> entering = entering(shares);
      if (entering.isEmpty()) {
        decode();
      } else {
        prefill(entering);
      }
      removeFinished();
    }
  }

  /** The next waiting shares for which there is room, as many as one run takes. */
  private List<Share> entering(Deque<Share> waiting) {
    List<Share> entering = new ArrayList<>();
    int free = cache.rows() - rows.size();
    int width = 0;
    while (!waiting.isEmpty() && waiting.peek().count() <= free) {
      width = Math.max(width, waiting.peek().job().promptTokens().length);
      if (!entering.isEmpty() && (entering.size() + 1) * width > PREFILL_TOKENS) {
        break;
      }
      free -= waiting.peek().count();
      entering.add(waiting.poll());
    }
    return entering;
  }

  /**
   * Computes each prompt once, copies its keys and values to its other candidates, draws first
   * tokens.
   */
  private void prefill(List<Share> entering) {
    int width = entering.stream().mapToInt(s -> s.job().promptTokens().length).max().orElseThrow();
    int prompts = entering.size();
    int first = rows.size();
    long[] ids = new long[prompts * width];
    int[] lengths = new int[prompts];
    long[] wanted = new long[prompts];
    float[] inverse = new float[prompts];
    for (int i = 0; i < prompts; i++) {
      int[] tokens = entering.get(i).job().promptTokens();
      for (int t = 0; t < tokens.length; t++) {
        ids[i * width + t] = tokens[t];
      }
      lengths[i] = tokens.length;
      wanted[i] = (long) i * width + tokens.length - 1;
      inverse[i] = Sampler.inverseTemperature(entering.get(i).job().request().sampling());
    }
    DecoderSession.Logits logits = session.run(first, ids, width, lengths, wanted, inverse);
    int[] logitRows = new int[entering.stream().mapToInt(Share::count).sum()];
    for (int i = 0; i < prompts; i++) {
      rows.add(new Row(entering.get(i).job(), entering.get(i).from()));
      logitRows[i] = i;
    }
    for (int i = 0; i < prompts; i++) {
      Share share = entering.get(i);
      for (int k = 1; k < share.count(); k++) {
        cache.copyRow(first + i, rows.size(), lengths[i]);
        logitRows[rows.size() - first] = i;
        rows.add(new Row(share.job(), share.from() + k));
      }
    }
    draw(first, logits, logitRows);
  }

  private void decode() {
    int count = rows.size();
    long[] ids = new long[count];
    int[] lengths = new int[count];
    long[] wanted = new long[count];
    float[] inverse = new float[count];
    for (int i = 0; i < count; i++) {
      Row row = rows.get(i);
      ids[i] = row.lastToken();
      lengths[i] = row.length();
      wanted[i] = i;
      inverse[i] = Sampler.inverseTemperature(row.sampling());
    }
    DecoderSession.Logits logits = session.run(0, ids, 1, lengths, wanted, inverse);
    draw(0, logits, IntStream.range(0, count).toArray());
  }

  /**
   * Draws one token for each row from {@code first} on; the row's logits are at {@code logitRows}.
   */
  private void draw(int first, DecoderSession.Logits logits, int[] logitRows) {
    IntStream indices = IntStream.range(0, logitRows.length);
    (parallel ? indices.parallel() : indices)
        .forEach(i -> rows.get(first + i).draw(logits, logitRows[i], scratch.get()));
  }

  private void removeFinished() {
    for (int i = rows.size() - 1; i >= 0; i--) {
      Row row = rows.get(i);
      if (row.reason != null) {
        int last = rows.size() - 1;
        if (i != last) {
          cache.copyRow(last, i, rows.get(last).length() - 1);
          rows.set(i, rows.get(last));
        }
        rows.remove(last);
        row.job.finish(row.index, row.candidate()).ifPresent(results);
      }
    }
  }

  /** Some candidates of a job that enter together, {@code count} from the {@code from}th. */
  private record Share(Job job, int from, int count) {}

  /** A candidate in the making. */
  private final class Row {
    private final Job job;
    private final int index;
    private final Sampler sampler;
    private int[] tokens = new int[16];
    private int count;
    private double logProbability;
    private FinishReason reason;
    private String stoppedText;

    Row(Job job, int index) {
      this.job = job;
      this.index = index;
      this.sampler = new Sampler(sampling(), job.request().seeds().get(index), job.promptTokens());
    }

    SamplingParameters sampling() {
      return job.request().sampling();
    }

    int lastToken() {
      return tokens[count - 1];
    }

    /** Tokens of prompt and answer, the one just drawn included. */
    int length() {
      return job.promptTokens().length + count;
    }

    void draw(DecoderSession.Logits logits, int logitRow, Sampler.Scratch scratch) {
      int token = sampler.next(logits, logitRow, scratch);
      if (count == tokens.length) {
        tokens = Arrays.copyOf(tokens, 2 * count);
      }
      tokens[count++] = token;
      logProbability += logits.logProbability(logitRow, token);
      boolean end = !sampling().ignoreEndOfText() && model.config().endOfTextIds().contains(token);
      if (end) {
        reason = FinishReason.END_OF_TEXT;
      } else if (stops()) {
        reason = FinishReason.STOP_TEXT;
      } else if (count == sampling().maxTokens()) {
        reason = FinishReason.MAX_TOKENS;
      } else if (length() == model.config().contextLength()) {
        reason = FinishReason.CONTEXT_FULL;
      }
    }

    private boolean stops() {
      if (sampling().stop().isEmpty()) {
        return false;
      }
      String text = text();
      int at =
          sampling().stop().stream().mapToInt(text::indexOf).filter(i -> i >= 0).min().orElse(-1);
      stoppedText = at < 0 ? null : text.substring(0, at);
      return at >= 0;
    }

    private String text() {
      return model.encoder().decode(Arrays.copyOf(tokens, count));
    }

    Candidate candidate() {
      return new Candidate(
          job.request().seeds().get(index),
          stoppedText == null ? text() : stoppedText,
          Arrays.stream(tokens, 0, count).boxed().toList(),
          logProbability,
          reason);
    }
  }
}
