package org.autodidact.onnxruntime.batching;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Queue;
import java.util.concurrent.ConcurrentLinkedQueue;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Generation;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.tokenizer.EndOfTurn;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.backend.KvCache;
import org.autodidact.onnxruntime.backend.SharedPrefixes;

/**
 * The rows that decode together in one stream. Row i of the list is row i of the cache; the list
 * has no holes: when a row ends, the last one moves into its place.
 *
 * <p>Where prompts are shared, a prompt's keys and values stand once, in the row of its group in
 * the cache of prefixes, and a row's own cache has its answer only; otherwise each row's cache has
 * prompt and answer.
 */
public final class ContinuousBatch {
  /** Prompt tokens that one run takes at most, padding included; a longer prompt goes alone. */
  private static final int PREFILL_TOKENS = 2048;

  private final ModelFolder model;
  private final EndOfTurn ends;
  private final DecoderSession stream;
  private final AdmissionQueue waiting;
  private final boolean shared;
  private final Consumer<Generation> results;
  private final Cancellation cancellation;

  /** As many as threads draw at once; gone with the batch, unlike what a pool's threads hold. */
  private final Queue<Sampler.Scratch> scratches = new ConcurrentLinkedQueue<>();

  private final List<Row> rows = new ArrayList<>();
  private final List<Group> groups = new ArrayList<>();
  private int widestGroup = 1;
  private int[] onDesk = new int[0];

  /**
   * @param shared whether prompts stand apart from answers
   */
  public ContinuousBatch(
      ModelFolder model,
      DecoderSession stream,
      AdmissionQueue waiting,
      boolean shared,
      Consumer<Generation> results,
      Cancellation cancellation) {
    this.model = model;
    this.stream = stream;
    this.waiting = waiting;
    this.shared = shared;
    this.results = results;
    this.cancellation = cancellation;
    this.ends = model.ends();
  }

  public void run() {
    while (true) {
      cancellation.throwIfCancelled();
      List<Admission> entering =
          waiting.take(
              stream.cache().rows() - rows.size(),
              prompts().rows() - taken(),
              waiting.alike() ? 1 : PREFILL_TOKENS);
      if (!entering.isEmpty()) {
        enter(entering);
      } else if (!rows.isEmpty()) {
        decode();
      } else {
        return;
      }
      removeFinished();
    }
  }

  /** Where prompts are kept. */
  private KvCache prompts() {
    return shared ? stream.prefixes() : stream.cache();
  }

  private int taken() {
    return shared ? groups.size() : rows.size();
  }

  /** Computes each prompt once and draws the first token of each of its candidates. */
  private void enter(List<Admission> entering) {
    int first = taken();
    if (shared) {
      fit(entering);
    }
    DecoderSession.Logits logits =
        waiting.alike() ? computeRest(entering.get(0), first) : compute(entering, first);
    int firstRow = rows.size();
    List<Integer> logitRows = new ArrayList<>();
    // Prompts stand side by side from `first` on; copies of them follow.
    for (int i = 0; i < entering.size(); i++) {
      Admission share = entering.get(i);
      Group group = new Group(share.job());
      if (shared) {
        groups.add(group);
        widestGroup = Math.max(widestGroup, share.count());
        for (int k = 0; k < share.count(); k++) {
          add(new Row(group, share.from() + k), i, logitRows);
        }
      } else {
        add(new Row(group, share.from()), i, logitRows);
      }
    }
    for (int i = 0; i < entering.size() && !shared; i++) {
      Admission share = entering.get(i);
      for (int k = 1; k < share.count(); k++) {
        stream.cache().copyRow(first + i, stream.cache(), rows.size(), share.tokens().length);
        add(new Row(rows.get(first + i).group, share.from() + k), i, logitRows);
      }
    }
    draw(firstRow, logits, logitRows.stream().mapToInt(i -> i).toArray());
  }

  /** All places of all groups are read in each step, so there are no more than are needed. */
  private void fit(List<Admission> entering) {
    int needed =
        IntStream.concat(
                groups.stream().mapToInt(g -> g.job.promptTokens().length),
                entering.stream().mapToInt(s -> s.tokens().length))
            .max()
            .orElseThrow();
    needed -= waiting.common();
    int places = stream.prefixes().places();
    if (needed > places || needed < places * 7 / 8) {
      stream.prefixes().setPlaces(needed, groups.size());
    }
  }

  private void add(Row row, int logitRow, List<Integer> logitRows) {
    rows.add(row);
    row.group.rows++;
    logitRows.add(logitRow);
  }

  /** Computes prompts together, into the rows from {@code first} on. */
  private DecoderSession.Logits compute(List<Admission> entering, int first) {
    List<int[]> prompts = entering.stream().map(Admission::tokens).toList();
    List<int[]> wanted = prompts.stream().map(ContinuousBatch::last).toList();
    float[] inverse = new float[prompts.size()];
    for (int i = 0; i < inverse.length; i++) {
      inverse[i] = inverseTemperature(entering.get(i));
    }
    return stream.run(DecoderSession.Input.together(prompts(), first, prompts, wanted, inverse));
  }

  private static int[] last(int[] tokens) {
    return new int[] {tokens.length - 1};
  }

  /** Computes one prompt from where it differs from the one before it on the desk. */
  private DecoderSession.Logits computeRest(Admission share, int target) {
    int[] tokens = share.tokens();
    int start = AdmissionQueue.shared(onDesk, tokens);
    DecoderSession.Logits logits =
        stream.run(
            DecoderSession.Input.ofOne(
                stream.desk(), 0, tokens, start, last(tokens), inverseTemperature(share)));
    if (waiting.common() > 0 && onDesk.length == 0) {
      stream.desk().copyRow(0, stream.common(), 0, waiting.common());
    }
    onDesk = tokens;
    int from = shared ? waiting.common() : 0;
    stream.desk().copyRow(0, from, prompts(), target, tokens.length - from);
    return logits;
  }

  private static float inverseTemperature(Admission share) {
    return Sampler.inverseTemperature(share.job().request().sampling());
  }

  private void decode() {
    int count = rows.size();
    long[] ids = new long[count];
    int[] lengths = new int[count];
    int[] positions = new int[count];
    long[] wanted = new long[count];
    float[] inverse = new float[count];
    for (int i = 0; i < count; i++) {
      Row row = rows.get(i);
      ids[i] = row.lastToken();
      lengths[i] = row.cached() + 1;
      positions[i] = row.length() - 1;
      wanted[i] = i;
      inverse[i] = Sampler.inverseTemperature(row.sampling());
    }
    draw(
        0,
        stream.run(
            new DecoderSession.Input(
                stream.cache(), 0, ids, 1, lengths, positions, wanted, inverse, prefixes())),
        IntStream.range(0, count).toArray());
  }

  private Optional<SharedPrefixes> prefixes() {
    return shared
        ? Optional.of(
            new SharedPrefixes(
                stream.common(),
                waiting.common(),
                stream.prefixes(),
                groups.stream()
                    .mapToInt(g -> g.job.promptTokens().length - waiting.common())
                    .toArray(),
                widestGroup,
                rows.stream().mapToInt(r -> groups.indexOf(r.group)).toArray()))
        : Optional.empty();
  }

  /**
   * Draws one token for each row from {@code first} on; the row's logits are at {@code logitRows}.
   */
  private void draw(int first, DecoderSession.Logits logits, int[] logitRows) {
    stream.forEach(
        logitRows.length,
        i -> {
          Sampler.Scratch idle = scratches.poll();
          Sampler.Scratch scratch =
              idle == null ? new Sampler.Scratch(model.config().vocabularySize()) : idle;
          rows.get(first + i).draw(logits, logitRows[i], scratch);
          scratches.add(scratch);
        });
  }

  private void removeFinished() {
    for (int i = rows.size() - 1; i >= 0; i--) {
      Row row = rows.get(i);
      if (row.answer.hasEnded()) {
        Row moved = rows.remove(rows.size() - 1);
        if (moved != row) {
          stream.cache().copyRow(rows.size(), stream.cache(), i, moved.cached());
          rows.set(i, moved);
        }
        row.group.rows--;
        row.group.job.finish(row.index, row.candidate()).ifPresent(results);
      }
    }
    for (int i = groups.size() - 1; i >= 0; i--) {
      if (groups.get(i).rows == 0) {
        Group moved = groups.remove(groups.size() - 1);
        if (i < groups.size()) {
          stream
              .prefixes()
              .copyRow(
                  groups.size(),
                  stream.prefixes(),
                  i,
                  moved.job.promptTokens().length - waiting.common());
          groups.set(i, moved);
        }
      }
    }
  }

  /** A prompt, and how many rows of the batch go on from it. */
  private static final class Group {
    private final GenerationJob job;
    private int rows;

    Group(GenerationJob job) {
      this.job = job;
    }
  }

  /** A candidate in the making. */
  private final class Row {
    private final Group group;
    private final int index;
    private final Sampler sampler;
    private final SampledAnswer answer;

    Row(Group group, int index) {
      this.group = group;
      this.index = index;
      this.sampler =
          new Sampler(sampling(), group.job.request().seeds().get(index), group.job.promptTokens());
      this.answer = new SampledAnswer(model.encoder(), ends, group.job);
    }

    SamplingParameters sampling() {
      return group.job.request().sampling();
    }

    int lastToken() {
      return answer.lastToken();
    }

    /** Tokens of prompt and answer, the one just drawn included. */
    int length() {
      return group.job.promptTokens().length + answer.count();
    }

    /** Tokens in the row's own cache. */
    int cached() {
      return shared ? answer.count() - 1 : length() - 1;
    }

    void draw(DecoderSession.Logits logits, int logitRow, Sampler.Scratch scratch) {
      int token = sampler.next(logits, logitRow, scratch);
      answer.add(token, logits.logProbability(logitRow, token));
    }

    Candidate candidate() {
      return answer.candidate(group.job.request().seeds().get(index));
    }
  }
}
