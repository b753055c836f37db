package org.autodidact.engine.prompts;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.PromptFilter;
import org.autodidact.api.SamplingParameters;
import org.autodidact.engine.seeds.Seeds;
import org.autodidact.engine.text.NearDuplicates;

/**
 * Self-instruct (paper, section 2.2; Wang et al., 2023): a model creates prompts. It is shown
 * few-shot examples, some that people wrote and some that it created, as turns of a conversation,
 * and writes the next. What the filters accept is kept, and becomes an example in turn.
 *
 * <p>Attempts are made in batches. Shots and seeds of an attempt depend on its number and on what
 * was kept in the batches before, so that a run that {@linkplain #restore restores} whole batches
 * goes on as if it had never stopped.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class SelfInstruct {
  /** The outcome of a prompt that every filter let through. */
  public static final String KEPT = "kept";

  private static final String UNFINISHED = "unfinished";
  private static final String DUPLICATE = "duplicate";
  private static final String SIMILAR = "similar";
  private static final String ASK =
      "Write a task that somebody could give to an AI assistant: another one than before, of another"
          + " kind, and complete in itself. Reply with the task alone.";

  /** Attempts of a batch at most, so that kept prompts soon become examples. */
  private static final int BATCH = 64;

  /** Attempts for each prompt wanted, after which the model is considered unable. */
  private static final int PATIENCE = 20;

  private final String name;
  private final Settings settings;
  private final long seed;
  private final Map<String, PromptFilter> filters;
  private final List<Prompt> seeds;
  private final List<Prompt> own = new ArrayList<>();
  private final Set<String> known = new HashSet<>();
  private final NearDuplicates index;
  private final List<CreatedPrompt> made = new ArrayList<>();
  private int kept;

  /**
   * How prompts are made.
   *
   * @param seedShots prompts shown that people wrote; the paper's 6
   * @param ownShots prompts shown that a model made; the paper's 2. As long as there are fewer,
   *     people's replace them
   * @param similarity the ROUGE-L F1 that a prompt may have with another at most
   * @param sampling how a prompt is sampled
   */
  public record Settings(
      int seedShots, int ownShots, double similarity, SamplingParameters sampling) {
    public Settings {
      if (seedShots < 1 || ownShots < 0 || !(similarity >= 0 && similarity <= 1)) {
        throw new InvalidInputException(
            "self-instruct: seed-shots must be at least 1, own-shots 0 or more, similarity in [0,"
                + " 1]; found "
                + seedShots
                + ", "
                + ownShots
                + ", "
                + similarity);
      }
    }
  }

  /**
   * No attempt yet.
   *
   * @param name the prefix of the ids
   * @param seeds prompts that people wrote; those that the filters let through are shown
   * @param excluded prompts that nothing made may be like, as those of an evaluation
   * @param filters by name, in the order in which they are applied
   */
  public SelfInstruct(
      String name,
      Settings settings,
      List<Prompt> seeds,
      List<Prompt> excluded,
      Map<String, PromptFilter> filters,
      long seed) {
    this.name = name;
    this.settings = settings;
    this.filters = new LinkedHashMap<>(filters);
    this.seeds =
        seeds.stream()
            .filter(s -> filters.values().stream().allMatch(f -> f.accepts(s.instruction())))
            .toList();
    this.seed = seed;
    this.index = new NearDuplicates(settings.similarity());
    if (this.seeds.size() < settings.seedShots() + settings.ownShots()) {
      throw new InvalidInputException(
          "self-instruct shows "
              + (settings.seedShots() + settings.ownShots())
              + " prompts; of "
              + seeds.size()
              + " seeds the filters let "
              + this.seeds.size()
              + " through. Give more, or lower seed-shots and own-shots");
    }
    seeds.forEach(p -> know(p.instruction()));
    excluded.forEach(p -> know(p.instruction()));
  }

  /** The number of prompts that each filter rejected, in the order of the filters. */
  public Map<String, Integer> rejected(List<CreatedPrompt> made) {
    Map<String, Integer> counts = new LinkedHashMap<>();
    counts.put(UNFINISHED, 0);
    filters.keySet().forEach(name -> counts.put(name, 0));
    counts.put(DUPLICATE, 0);
    counts.put(SIMILAR, 0);
    made.stream().filter(c -> !c.kept()).forEach(c -> counts.merge(c.outcome(), 1, Integer::sum));
    return counts;
  }

  /** Takes up what was kept under another name: it is shown, and nothing may be like it. */
  public void show(List<CreatedPrompt> earlier) {
    for (CreatedPrompt created : earlier) {
      if (created.kept()) {
        own.add(created.prompt());
        know(created.text());
      }
    }
  }

  /** Restores whole batches of earlier attempts. */
  public void restore(List<CreatedPrompt> attempts) {
    show(attempts);
    made.addAll(attempts);
    kept += (int) attempts.stream().filter(CreatedPrompt::kept).count();
  }

  /** The attempts without an unfinished last batch, where {@code count} prompts were wanted. */
  public static List<CreatedPrompt> wholeBatches(List<CreatedPrompt> made, int count) {
    int whole = 0;
    int kept = 0;
    while (kept < count) {
      int end = whole;
      int now = kept;
      while (end < made.size() && end - whole < batchSize(count - kept) && now < count) {
        now += made.get(end).kept() ? 1 : 0;
        end++;
      }
      if (end - whole < batchSize(count - kept) && now < count) {
        break;
      }
      whole = end;
      kept = now;
    }
    return made.subList(0, whole);
  }

  private static int batchSize(int missing) {
    return Math.min(BATCH, 2 * missing);
  }

  /**
   * Makes attempts until {@code count} prompts are kept.
   *
   * @param batches accepts the attempts of each batch, in order
   * @throws InvalidInputException where the model is not able to
   */
  public void create(
      int count,
      Generator generator,
      Consumer<List<CreatedPrompt>> batches,
      Cancellation cancellation) {
    while (kept < count) {
      if (made.size() >= PATIENCE * count) {
        throw new InvalidInputException(
            "of "
                + made.size()
                + " prompts that the model made "
                + kept
                + " were kept, "
                + count
                + " are wanted; rejected: "
                + rejected(made)
                + ". Take another model for prompts, more seeds, or milder filters");
      }
      batches.accept(batch(count, generator, cancellation));
    }
  }

  private List<CreatedPrompt> batch(int count, Generator generator, Cancellation cancellation) {
    int size = batchSize(count - kept);
    int begun = made.size();
    List<List<Prompt>> shots = new ArrayList<>();
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < size; i++) {
      long attemptSeed = Seeds.of(seed, begun + i);
      shots.add(shots(new Random(attemptSeed)));
      requests.add(
          new GenerationRequest(
              new Prompt(name + (begun + i), conversation(shots.get(i))),
              List.of(attemptSeed),
              settings.sampling()));
    }
    Map<String, Generation> found = new HashMap<>();
    generator.generate(requests, g -> found.put(g.promptId(), g), cancellation);
    List<CreatedPrompt> batch = new ArrayList<>();
    for (int i = 0; i < size && kept < count; i++) {
      String id = requests.get(i).prompt().id();
      Candidate candidate = found.get(id).candidates().get(0);
      String text = candidate.text().strip();
      CreatedPrompt created =
          new CreatedPrompt(
              id,
              shots.get(i).stream().map(Prompt::id).toList(),
              candidate.seed(),
              text,
              outcome(text, candidate.finishReason()));
      restore(List.of(created));
      batch.add(created);
    }
    return batch;
  }

  /** The few-shot examples of an attempt: seeds and own prompts, shuffled. */
  private List<Prompt> shots(Random random) {
    int ofOwn = Math.min(settings.ownShots(), own.size());
    List<Prompt> shots =
        new ArrayList<>(choose(seeds, settings.seedShots() + settings.ownShots() - ofOwn, random));
    shots.addAll(choose(own, ofOwn, random));
    Collections.shuffle(shots, random);
    return shots;
  }

  private static List<Prompt> choose(List<Prompt> from, int count, Random random) {
    return random
        .ints(0, Math.max(1, from.size()))
        .distinct()
        .limit(count)
        .mapToObj(from::get)
        .toList();
  }

  private static List<Message> conversation(List<Prompt> shots) {
    List<Message> messages = new ArrayList<>();
    for (Prompt shot : shots) {
      messages.add(Message.user(ASK));
      messages.add(Message.assistant(shot.instruction()));
    }
    messages.add(Message.user(ASK));
    return messages;
  }

  private String outcome(String text, FinishReason reason) {
    if (reason.isTruncated()) {
      return UNFINISHED;
    }
    for (Map.Entry<String, PromptFilter> filter : filters.entrySet()) {
      if (!filter.getValue().accepts(text)) {
        return filter.getKey();
      }
    }
    if (known.contains(folded(text))) {
      return DUPLICATE;
    }
    return index.nearDuplicate(text).isPresent() ? SIMILAR : KEPT;
  }

  private void know(String text) {
    known.add(folded(text));
    index.add(text);
  }

  /** Equal for texts that differ in case and white space alone. */
  private static String folded(String text) {
    return text.strip().toLowerCase(Locale.ROOT).replaceAll("\\s+", " ");
  }
}
