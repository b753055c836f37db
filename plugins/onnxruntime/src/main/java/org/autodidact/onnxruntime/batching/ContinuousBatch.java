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
import org.autodidact.onnxruntime.backend.SessionCaches;
import org.autodidact.onnxruntime.backend.SharedPrefixes;

/**
 * Continuous batching (Orca: Yu et al., 2022) in one session: the sequences that decode together,
 * where a finished one leaves at once and a waiting one takes its slot. Sequence i of the list is
 * in slot i of the cache; there are no holes: the last sequence moves into a slot that falls free.
 *
 * <p>With shared prompts, a prompt's keys and values are stored once, in its group's slot of {@link
 * SessionCaches#groupPrefixes}, and a sequence's own slot has its answer only; otherwise each slot
 * has prompt and answer.
 */
public final class ContinuousBatch {
  /** Prompt tokens of a prefill, at most, padding included; a longer prompt goes alone. */
  private static final int MAX_PREFILL_TOKENS = 2048;

  private final ModelFolder model;
  private final EndOfTurn endOfTurn;
  private final DecoderSession session;
  private final SessionCaches caches;
  private final AdmissionQueue waiting;
  private final boolean sharesPrompts;
  private final Consumer<Generation> results;
  private final Cancellation cancellation;

  /** One for each thread that samples; freed with the batch, unlike a pool's thread locals. */
  private final Queue<Sampler.Scratch> scratches = new ConcurrentLinkedQueue<>();

  private final List<Sequence> sequences = new ArrayList<>();
  private final List<Group> groups = new ArrayList<>();
  private int largestGroup = 1;
  private int[] workspaceTokens = new int[0];

  /**
   * @param sharesPrompts whether prompts are cached apart from answers
   */
  public ContinuousBatch(
      ModelFolder model,
      DecoderSession session,
      AdmissionQueue waiting,
      boolean sharesPrompts,
      Consumer<Generation> results,
      Cancellation cancellation) {
    this.model = model;
    this.session = session;
    this.caches = session.caches();
    this.waiting = waiting;
    this.sharesPrompts = sharesPrompts;
    this.results = results;
    this.cancellation = cancellation;
    this.endOfTurn = model.ends();
  }

  public void run() {
    while (true) {
      cancellation.throwIfCancelled();
      List<Admission> admitted =
          waiting.take(
              caches.sequences().slots() - sequences.size(),
              promptCache().slots() - usedPromptSlots(),
              waiting.sharesPrefix() ? 1 : MAX_PREFILL_TOKENS);
      if (!admitted.isEmpty()) {
        admit(admitted);
      } else if (!sequences.isEmpty()) {
        decodeStep();
      } else {
        return;
      }
      removeFinished();
    }
  }

  private KvCache promptCache() {
    return sharesPrompts ? caches.groupPrefixes() : caches.sequences();
  }

  private int usedPromptSlots() {
    return sharesPrompts ? groups.size() : sequences.size();
  }

  /** Prefills each prompt once and samples the first token of each of its candidates. */
  private void admit(List<Admission> admitted) {
    int firstPrompt = usedPromptSlots();
    if (sharesPrompts) {
      fitPromptCapacity(admitted);
    }
    DecoderSession.Logits logits =
        waiting.sharesPrefix()
            ? prefillSuffix(admitted.get(0), firstPrompt)
            : prefill(admitted, firstPrompt);
    int firstSequence = sequences.size();
    List<Integer> logitRows = new ArrayList<>();
    // Prompts are side by side from `firstPrompt` on; copies of them follow.
    for (int i = 0; i < admitted.size(); i++) {
      Admission admission = admitted.get(i);
      Group group = new Group(admission.job());
      if (sharesPrompts) {
        groups.add(group);
        largestGroup = Math.max(largestGroup, admission.count());
        for (int k = 0; k < admission.count(); k++) {
          add(new Sequence(group, admission.from() + k), i, logitRows);
        }
      } else {
        add(new Sequence(group, admission.from()), i, logitRows);
      }
    }
    for (int i = 0; i < admitted.size() && !sharesPrompts; i++) {
      Admission admission = admitted.get(i);
      int prompt = firstPrompt + i;
      for (int k = 1; k < admission.count(); k++) {
        caches
            .sequences()
            .copySlot(
                prompt, caches.sequences(), sequences.size(), admission.promptTokens().length);
        add(new Sequence(sequences.get(prompt).group, admission.from() + k), i, logitRows);
      }
    }
    sample(firstSequence, logits, logitRows.stream().mapToInt(i -> i).toArray());
  }

  /** Attention reads whole slots of prompts in each step, so they get no more than they need. */
  private void fitPromptCapacity(List<Admission> admitted) {
    int needed =
        IntStream.concat(
                groups.stream().mapToInt(g -> g.job.promptTokens().length),
                admitted.stream().mapToInt(a -> a.promptTokens().length))
            .max()
            .orElseThrow();
    needed -= waiting.templateLength();
    int capacity = caches.groupPrefixes().capacity();
    // An eighth of slack avoids moving the cache for little (not measured).
    if (needed > capacity || needed < capacity * 7 / 8) {
      caches.groupPrefixes().setCapacity(needed, groups.size());
    }
  }

  private void add(Sequence sequence, int logitRow, List<Integer> logitRows) {
    sequences.add(sequence);
    sequence.group.size++;
    logitRows.add(logitRow);
  }

  /** Prefills prompts together, into the slots from {@code firstSlot} on. */
  private DecoderSession.Logits prefill(List<Admission> admitted, int firstSlot) {
    List<int[]> prompts = admitted.stream().map(Admission::promptTokens).toList();
    List<int[]> wanted = prompts.stream().map(ContinuousBatch::last).toList();
    float[] inverse = new float[prompts.size()];
    for (int i = 0; i < inverse.length; i++) {
      inverse[i] = inverseTemperature(admitted.get(i));
    }
    return session.run(
        DecoderSession.Input.ofPrompts(promptCache(), firstSlot, prompts, wanted, inverse));
  }

  private static int[] last(int[] tokens) {
    return new int[] {tokens.length - 1};
  }

  /** Prefills one prompt from where it differs from the one before it in the workspace. */
  private DecoderSession.Logits prefillSuffix(Admission admission, int slot) {
    int[] tokens = admission.promptTokens();
    int start = AdmissionQueue.reusablePrefix(workspaceTokens, tokens);
    KvCache workspace = caches.prefixWorkspace();
    DecoderSession.Logits logits =
        session.run(
            DecoderSession.Input.ofPrompt(
                workspace, 0, tokens, start, last(tokens), inverseTemperature(admission)));
    if (waiting.templateLength() > 0 && workspaceTokens.length == 0) {
      workspace.copySlot(0, caches.templatePrefix(), 0, waiting.templateLength());
    }
    workspaceTokens = tokens;
    int from = sharesPrompts ? waiting.templateLength() : 0;
    workspace.copySlot(0, from, promptCache(), slot, tokens.length - from);
    return logits;
  }

  private static float inverseTemperature(Admission admission) {
    return Sampler.inverseTemperature(admission.job().request().sampling());
  }

  private void decodeStep() {
    int count = sequences.size();
    long[] ids = new long[count];
    int[] lengths = new int[count];
    int[] positions = new int[count];
    long[] wanted = new long[count];
    float[] inverse = new float[count];
    for (int i = 0; i < count; i++) {
      Sequence sequence = sequences.get(i);
      ids[i] = sequence.candidate.lastToken();
      lengths[i] = sequence.cached() + 1;
      positions[i] = sequence.length() - 1;
      wanted[i] = i;
      inverse[i] = Sampler.inverseTemperature(sequence.sampling());
    }
    sample(
        0,
        session.run(
            new DecoderSession.Input(
                caches.sequences(), 0, ids, 1, lengths, positions, wanted, inverse, prefixes())),
        IntStream.range(0, count).toArray());
  }

  private Optional<SharedPrefixes> prefixes() {
    return sharesPrompts
        ? Optional.of(
            new SharedPrefixes(
                caches.templatePrefix(),
                waiting.templateLength(),
                caches.groupPrefixes(),
                groups.stream().mapToInt(this::cachedPrompt).toArray(),
                largestGroup,
                sequences.stream().mapToInt(s -> groups.indexOf(s.group)).toArray()))
        : Optional.empty();
  }

  /** Tokens in a group's slot: the prompt without its template. */
  private int cachedPrompt(Group group) {
    return group.job.promptTokens().length - waiting.templateLength();
  }

  /** Samples a token for each sequence from {@code first} on, by the logits at its row. */
  private void sample(int first, DecoderSession.Logits logits, int[] logitRows) {
    session.forEach(
        logitRows.length,
        i -> {
          Sampler.Scratch idle = scratches.poll();
          Sampler.Scratch scratch =
              idle == null ? new Sampler.Scratch(model.config().vocabularySize()) : idle;
          sequences.get(first + i).sample(logits, logitRows[i], scratch);
          scratches.add(scratch);
        });
  }

  private void removeFinished() {
    for (int i = sequences.size() - 1; i >= 0; i--) {
      Sequence sequence = sequences.get(i);
      if (sequence.candidate.isFinished()) {
        Sequence moved = sequences.remove(sequences.size() - 1);
        if (moved != sequence) {
          caches.sequences().copySlot(sequences.size(), caches.sequences(), i, moved.cached());
          sequences.set(i, moved);
        }
        sequence.group.size--;
        sequence.group.job.finish(sequence.index, sequence.finished()).ifPresent(results);
      }
    }
    KvCache prompts = caches.groupPrefixes();
    for (int i = groups.size() - 1; i >= 0; i--) {
      if (groups.get(i).size == 0) {
        Group moved = groups.remove(groups.size() - 1);
        if (i < groups.size()) {
          prompts.copySlot(groups.size(), prompts, i, cachedPrompt(moved));
          groups.set(i, moved);
        }
      }
    }
  }

  /** A prompt and the number of sequences that continue it. */
  private static final class Group {
    private final GenerationJob job;
    private int size;

    Group(GenerationJob job) {
      this.job = job;
    }
  }

  /** A candidate that is being decoded. */
  private final class Sequence {
    private final Group group;
    private final int index;
    private final Sampler sampler;
    private final SampledCandidate candidate;

    Sequence(Group group, int index) {
      this.group = group;
      this.index = index;
      this.sampler = new Sampler(sampling(), seed(), group.job.promptTokens());
      this.candidate = new SampledCandidate(model.encoder(), endOfTurn, group.job);
    }

    private long seed() {
      return group.job.request().seeds().get(index);
    }

    SamplingParameters sampling() {
      return group.job.request().sampling();
    }

    /** Tokens of prompt and answer, the last sampled one included. */
    int length() {
      return group.job.promptTokens().length + candidate.count();
    }

    /** Tokens in the sequence's own slot. */
    int cached() {
      return sharesPrompts ? candidate.count() - 1 : length() - 1;
    }

    void sample(DecoderSession.Logits logits, int logitRow, Sampler.Scratch scratch) {
      int token = sampler.sample(logits, logitRow, scratch);
      candidate.add(token, logits.logProbability(logitRow, token));
    }

    Candidate finished() {
      return candidate.candidate(seed());
    }
  }
}
