package org.autodidact.engine.store;

import com.fasterxml.jackson.core.type.TypeReference;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.HashSet;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.Consumer;
import java.util.function.Supplier;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.JudgementSample.ParseFailure;
import org.autodidact.api.JudgementSample.Position;
import org.autodidact.api.Message;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;
import org.autodidact.engine.prompts.CreatedPrompt;
import org.autodidact.engine.store.Database.OddValueException;
import org.autodidact.engine.store.Database.Row;

/**
 * The stored work of each iteration: prompts, candidates, judgements, pairs and metrics. Prompts
 * are numbered from 0, the candidates of a prompt by their positions.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class IterationStore {
  /** The key, in the first message, of the length of {@link Prompt#templatePrefix}. */
  private static final String TEMPLATE_PREFIX = "beginning";

  /** The rounding error of a score, which is a mean, relative to the scale's width. */
  private static final double ROUNDING = 1e-6;

  private final Database database;
  private final Supplier<Optional<Judge.Scale>> storedScale;

  /** A store whose scores are on {@code storedScale}, where that is known. */
  IterationStore(Database database, Supplier<Optional<Judge.Scale>> storedScale) {
    this.database = database;
    this.storedScale = storedScale;
  }

  /** Stores an iteration's prompts, all at once; they are read once, in order. */
  public void addPrompts(int iteration, List<Prompt> prompts) {
    database.transaction(
        () -> {
          int position = 0;
          for (Prompt prompt : prompts) {
            database.update(
                "INSERT INTO prompt VALUES (?, ?, ?, ?, ?, NULL)",
                iteration,
                position++,
                prompt.id(),
                Database.json(messages(prompt)),
                Database.json(new TreeMap<>(prompt.fields())));
          }
        });
  }

  /**
   * An iteration's prompts, in order. They are read from the store in portions, as they are asked
   * for, so that a million fit into a small heap: the list can be used while the store is open.
   */
  public List<Prompt> prompts(int iteration) {
    int count = count("SELECT COUNT(*) FROM prompt WHERE iteration = ?", iteration);
    return new StoredList<>(
        count,
        (from, to) -> {
          List<Prompt> portion = prompts(iteration, new PromptRange(from, to));
          if (portion.size() < to - from) {
            throw database.odd(
                "prompts of iteration " + iteration,
                new OddValueException(
                    "of the prompts " + from + " to " + to + " some are missing"));
          }
          return portion;
        });
  }

  private List<Prompt> prompts(int iteration, PromptRange range) {
    return database.query(
        "prompts",
        "SELECT id, messages, fields FROM prompt"
            + " WHERE iteration = ? AND position >= ? AND position < ? ORDER BY position",
        r ->
            prompt(
                r.text(1),
                Database.parse(r.text(2), new TypeReference<List<Map<String, String>>>() {}),
                Database.parse(r.text(3), new TypeReference<Map<String, String>>() {})),
        iteration,
        range.from(),
        range.to());
  }

  private int count(String sql, Object... values) {
    return database.query("counts", sql, r -> r.count(1), values).get(0);
  }

  /** In one order: two equal runs have equal bytes. */
  private static List<Map<String, String>> messages(Prompt prompt) {
    List<Map<String, String>> all = new ArrayList<>();
    for (Message message : prompt.messages()) {
      Map<String, String> fields = new LinkedHashMap<>();
      fields.put("role", message.role());
      fields.put("content", message.content());
      if (all.isEmpty() && !prompt.templatePrefix().isEmpty()) {
        fields.put(TEMPLATE_PREFIX, Integer.toString(prompt.templatePrefix().length()));
      }
      all.add(fields);
    }
    return all;
  }

  private static Prompt prompt(
      String id, List<Map<String, String>> all, Map<String, String> fields) {
    List<Message> messages = all.stream().map(IterationStore::message).toList();
    String length = all.isEmpty() ? "0" : all.get(0).getOrDefault(TEMPLATE_PREFIX, "0");
    String prefix =
        all.isEmpty() ? "" : messages.get(0).content().substring(0, Integer.parseInt(length));
    return new Prompt(id, messages, prefix, fields);
  }

  private static Message message(Map<String, String> fields) {
    if (fields.get("role") == null || fields.get("content") == null) {
      throw new OddValueException(
          "a message that has " + fields.keySet() + ", not role and content");
    }
    return new Message(fields.get("role"), fields.get("content"));
  }

  /** Stores a batch of attempts at new prompts after the earlier ones. */
  public void addCreated(int iteration, String model, List<CreatedPrompt> batch) {
    int first = count("SELECT COUNT(*) FROM created_prompt WHERE iteration = ?", iteration);
    database.transaction(
        () -> {
          for (int i = 0; i < batch.size(); i++) {
            CreatedPrompt c = batch.get(i);
            database.update(
                "INSERT INTO created_prompt VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                iteration,
                first + i,
                c.id(),
                model,
                Database.json(c.shots()),
                c.seed(),
                c.text(),
                c.outcome());
          }
        });
  }

  /** All attempts at new prompts for an iteration, in order; none where they came from a file. */
  public List<CreatedPrompt> created(int iteration) {
    return database.query(
        "created prompts",
        "SELECT id, shots, seed, text, outcome FROM created_prompt WHERE iteration = ?"
            + " ORDER BY position",
        r ->
            new CreatedPrompt(
                r.text(1),
                Database.parse(r.text(2), new TypeReference<List<String>>() {}),
                r.integer(3),
                r.text(4),
                r.text(5)),
        iteration);
  }

  /**
   * Stores a model's candidates of one prompt.
   *
   * @param firstPosition the position of the first: 0 for the iterate's own, after them for a past
   *     iterate's, after those for a future one's
   */
  public void addCandidates(
      int iteration, int prompt, int firstPosition, String model, Generation generation) {
    database.grouped(
        () -> {
          database.update(
              "UPDATE prompt SET tokens = ? WHERE iteration = ? AND position = ?",
              Database.json(generation.promptTokens()),
              iteration,
              prompt);
          List<Candidate> candidates = generation.candidates();
          for (int i = 0; i < candidates.size(); i++) {
            Candidate c = candidates.get(i);
            database.update(
                "INSERT INTO candidate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                iteration,
                prompt,
                firstPosition + i,
                model,
                c.seed(),
                c.text(),
                Database.json(c.tokens()),
                c.tokenCount().isPresent() ? c.tokenCount().getAsInt() : null,
                nullable(c.logProbability()),
                c.finishReason().name());
          }
        });
  }

  /** The iterate's own candidates of each prompt that has them, by the prompt's index. */
  public SortedMap<Integer, List<Candidate>> ownCandidates(int iteration) {
    return ownCandidates(iteration, PromptRange.ALL);
  }

  /** The iterate's own candidates of a range of prompts. */
  public SortedMap<Integer, List<Candidate>> ownCandidates(int iteration, PromptRange range) {
    SortedMap<Integer, List<Candidate>> own = new TreeMap<>();
    candidates(iteration, range)
        .forEach(
            (prompt, byPosition) ->
                byPosition.forEach(
                    (position, c) -> {
                      if (c.model().equals("M" + iteration)) {
                        own.computeIfAbsent(prompt, p -> new ArrayList<>()).add(c.candidate());
                      }
                    }));
    return own;
  }

  /** The mean number of tokens of the iterate's own candidates, where it is known of any. */
  public OptionalDouble meanTokens(int iteration) {
    return database
        .query(
            "candidates",
            "SELECT AVG(token_count) FROM candidate WHERE iteration = ? AND model = ?",
            r -> r.numberIfThere(1),
            iteration,
            "M" + iteration)
        .get(0);
  }

  /** How many prompts have a candidate at this position. */
  public int sampledCount(int iteration, int position) {
    return count(
        "SELECT COUNT(*) FROM candidate WHERE iteration = ? AND position = ?", iteration, position);
  }

  /** Which prompts of a range have a candidate at this position. */
  public Set<Integer> sampled(int iteration, PromptRange range, int position) {
    return new HashSet<>(
        database.query(
            "candidates",
            "SELECT prompt FROM candidate"
                + " WHERE iteration = ? AND prompt >= ? AND prompt < ? AND position = ?",
            r -> r.count(1),
            iteration,
            range.from(),
            range.to(),
            position));
  }

  /** How many candidates there are from a position on. */
  public int candidateCount(int iteration, int firstPosition) {
    return count(
        "SELECT COUNT(*) FROM candidate WHERE iteration = ? AND position >= ?",
        iteration,
        firstPosition);
  }

  /** A candidate and the model that wrote it. */
  public record SampledCandidate(String model, Candidate candidate) {}

  /**
   * All candidates, a past and a future iterate's included, by the prompt's index and their
   * position.
   */
  public SortedMap<Integer, Map<Integer, SampledCandidate>> candidates(int iteration) {
    return candidates(iteration, PromptRange.ALL);
  }

  /** All candidates of a range of prompts. */
  public SortedMap<Integer, Map<Integer, SampledCandidate>> candidates(
      int iteration, PromptRange range) {
    SortedMap<Integer, Map<Integer, SampledCandidate>> byPrompt = new TreeMap<>();
    database.query(
        "candidates",
        "SELECT prompt, position, seed, text, tokens, token_count, log_probability,"
            + " finish_reason, model"
            + " FROM candidate WHERE iteration = ? AND prompt >= ? AND prompt < ?"
            + " ORDER BY prompt, position",
        r ->
            byPrompt
                .computeIfAbsent(r.count(1), p -> new TreeMap<>())
                .put(
                    r.count(2),
                    new SampledCandidate(
                        r.text(9),
                        new Candidate(
                            r.integer(3),
                            r.text(4),
                            Database.parse(r.text(5), new TypeReference<List<Integer>>() {}),
                            r.countIfThere(6),
                            r.numberIfThere(7),
                            r.oneOf(8, FinishReason.class)))),
        iteration,
        range.from(),
        range.to());
    return byPrompt;
  }

  /** Stores the judgement of one candidate and its samples; sampled with {@code seeds}. */
  public void addJudgement(
      int iteration,
      int prompt,
      int candidate,
      String judge,
      String model,
      Judgement judgement,
      List<Long> seeds) {
    database.grouped(
        () -> {
          database.update(
              "INSERT INTO judgement VALUES (?, ?, ?, ?, ?, ?)",
              iteration,
              prompt,
              candidate,
              judge,
              model,
              nullable(judgement.score()));
          for (int i = 0; i < judgement.samples().size(); i++) {
            JudgementSample sample = judgement.samples().get(i);
            database.update(
                "INSERT INTO judgement_sample VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                iteration,
                prompt,
                candidate,
                i,
                i < seeds.size() ? seeds.get(i) : null,
                nullable(sample.score()),
                sample.text(),
                sample.position().name(),
                sample.parseFailure().map(Enum::name).orElse(null));
          }
        });
  }

  /** The candidates that are judged, by the prompt's index and the candidate's position. */
  public SortedMap<Integer, Map<Integer, JudgedCandidate>> judged(int iteration) {
    return judged(iteration, PromptRange.ALL);
  }

  /** The judged candidates of a range of prompts. */
  public SortedMap<Integer, Map<Integer, JudgedCandidate>> judged(
      int iteration, PromptRange range) {
    Map<String, List<JudgementSample>> samples = new LinkedHashMap<>();
    Optional<Judge.Scale> scale = storedScale.get();
    database.query(
        "judgement samples",
        "SELECT prompt, candidate, score, text, shown, unread FROM judgement_sample"
            + " WHERE iteration = ? AND prompt >= ? AND prompt < ?"
            + " ORDER BY prompt, candidate, position",
        r ->
            samples
                .computeIfAbsent(r.count(1) + "/" + r.count(2), k -> new ArrayList<>())
                .add(
                    new JudgementSample(
                        score(r, 3, scale),
                        r.text(4),
                        r.oneOf(5, Position.class),
                        r.optionalOf(6, ParseFailure.class))),
        iteration,
        range.from(),
        range.to());
    Map<Integer, Map<Integer, SampledCandidate>> candidates = candidates(iteration, range);
    SortedMap<Integer, Map<Integer, JudgedCandidate>> byPrompt = new TreeMap<>();
    database.query(
        "judgements",
        "SELECT prompt, candidate, score FROM judgement"
            + " WHERE iteration = ? AND prompt >= ? AND prompt < ? ORDER BY prompt, candidate",
        r -> {
          int prompt = r.count(1);
          int candidate = r.count(2);
          String id = prompt + "/" + candidate;
          return byPrompt
              .computeIfAbsent(prompt, p -> new TreeMap<>())
              .put(
                  candidate,
                  new JudgedCandidate(
                      at(candidates, prompt, candidate).candidate(),
                      new Judgement(id, score(r, 3, scale), samples.getOrDefault(id, List.of()))));
        },
        iteration,
        range.from(),
        range.to());
    return byPrompt;
  }

  /** The scores of all judged candidates, one after another; empty where the judge gave none. */
  public void forEachScore(int iteration, Consumer<OptionalDouble> scores) {
    Optional<Judge.Scale> scale = storedScale.get();
    database.forEach(
        "judgements",
        "SELECT score FROM judgement WHERE iteration = ?",
        r -> scores.accept(score(r, 1, scale)),
        iteration);
  }

  /** Whose scores. */
  public enum Scores {
    /** The iterate's, its judgements. */
    JUDGEMENTS("judgement"),
    /** The previous iterate's. */
    EARLIER("earlier_score");

    private final String table;

    Scores(String table) {
      this.table = table;
    }
  }

  /** How many candidates are judged from a position on. */
  public int judgedCount(Scores by, int iteration, int firstPosition) {
    return count(
        "SELECT COUNT(*) FROM " + by.table + " WHERE iteration = ? AND candidate >= ?",
        iteration,
        firstPosition);
  }

  /** The positions of the candidates that are judged, by the prompt's index. */
  public Map<Integer, Set<Integer>> judgedPositions(Scores by, int iteration, PromptRange range) {
    Map<Integer, Set<Integer>> positions = new HashMap<>();
    database.forEach(
        "judgements",
        "SELECT prompt, candidate FROM "
            + by.table
            + " WHERE iteration = ? AND prompt >= ? AND prompt < ?",
        r -> positions.computeIfAbsent(r.count(1), p -> new HashSet<>()).add(r.count(2)),
        iteration,
        range.from(),
        range.to());
    return positions;
  }

  /** Stores the score of a candidate by the previous iterate. */
  public void addEarlierScore(
      int iteration, int prompt, int candidate, String model, OptionalDouble score) {
    database.grouped(
        () ->
            database.update(
                "INSERT INTO earlier_score VALUES (?, ?, ?, ?, ?)",
                iteration,
                prompt,
                candidate,
                model,
                nullable(score)));
  }

  /** The scores of the previous iterate, by the prompt's index and the candidate's position. */
  public Map<Integer, Map<Integer, OptionalDouble>> earlierScores(int iteration) {
    return earlierScores(iteration, PromptRange.ALL);
  }

  /** The scores of the previous iterate of a range of prompts. */
  public Map<Integer, Map<Integer, OptionalDouble>> earlierScores(
      int iteration, PromptRange range) {
    Map<Integer, Map<Integer, OptionalDouble>> byPrompt = new TreeMap<>();
    Optional<Judge.Scale> scale = storedScale.get();
    database.query(
        "earlier scores",
        "SELECT prompt, candidate, score FROM earlier_score"
            + " WHERE iteration = ? AND prompt >= ? AND prompt < ?",
        r ->
            byPrompt
                .computeIfAbsent(r.count(1), p -> new TreeMap<>())
                .put(r.count(2), score(r, 3, scale)),
        iteration,
        range.from(),
        range.to());
    return byPrompt;
  }

  /** Stores what was measured of an iteration, all at once; what is stored already stays. */
  public void addMetrics(int iteration, Map<String, Double> values) {
    database.transaction(
        () -> {
          for (Map.Entry<String, Double> value : values.entrySet()) {
            database.update(
                "INSERT OR IGNORE INTO metric VALUES (?, ?, ?)",
                iteration,
                value.getKey(),
                value.getValue());
          }
        });
  }

  /** The metrics of an iteration, by name. */
  public SortedMap<String, Double> metrics(int iteration) {
    SortedMap<String, Double> values = new TreeMap<>();
    database.query(
        "metrics",
        "SELECT name, value FROM metric WHERE iteration = ?",
        r -> values.put(r.text(1), r.measured(2)),
        iteration);
    return values;
  }

  /** A pair: the index of its prompt, the positions of its candidates, and its weight. */
  public record PairPositions(int prompt, int chosen, int rejected, double weight) {}

  /** Which model learns from an iteration's pairs. */
  public enum Learner {
    /** The next iterate. */
    NEXT("pair"),
    /** The future iterate that helps to choose the pairs of the next. */
    FUTURE("future_pair");

    private final String table;

    Learner(String table) {
      this.table = table;
    }
  }

  /** Stores an iteration's pairs, all at once, and that the stage is finished. */
  public void addPairs(
      Learner model, int iteration, List<PairPositions> pairs, String stage, double seconds) {
    database.transaction(
        () -> {
          for (PairPositions pair : pairs) {
            database.update(
                "INSERT INTO " + model.table + " VALUES (?, ?, ?, ?, ?)",
                iteration,
                pair.prompt(),
                pair.chosen(),
                pair.rejected(),
                pair.weight());
          }
          database.update("INSERT INTO stage VALUES (?, ?)", stage, seconds);
        });
  }

  /** {@link #pairs(Learner, int)} that the next iterate learns from. */
  public List<PreferencePair> pairs(int iteration) {
    return pairs(Learner.NEXT, iteration);
  }

  /**
   * The pairs that {@code model} learns from, in the order of their prompts; read in portions, as
   * {@link #prompts(int)} are.
   */
  public List<PreferencePair> pairs(Learner model, int iteration) {
    List<PairPositions> pairs = pairPositions(model, iteration);
    return new StoredList<>(
        pairs.size(), (from, to) -> pairs(model, iteration, pairs.subList(from, to)));
  }

  /** Where the pairs that {@code model} learns from lie, in the order of their prompts. */
  public List<PairPositions> pairPositions(Learner model, int iteration) {
    return database.query(
        "pairs",
        "SELECT prompt, chosen, rejected, weight FROM "
            + model.table
            + " WHERE iteration = ? ORDER BY prompt",
        r -> new PairPositions(r.count(1), r.count(2), r.count(3), r.number(4)),
        iteration);
  }

  /** The first of these pairs, those whose prompts lie within one portion. */
  private List<PreferencePair> pairs(Learner model, int iteration, List<PairPositions> some) {
    int first = some.get(0).prompt();
    PromptRange range =
        new PromptRange(
            first, Math.min(some.get(some.size() - 1).prompt() + 1, first + PromptRange.PORTION));
    List<Prompt> prompts = prompts(iteration, range);
    Map<Integer, Map<Integer, JudgedCandidate>> judged = judged(iteration, range);
    List<PreferencePair> pairs = new ArrayList<>();
    try {
      for (PairPositions pair : some) {
        if (pair.prompt() >= range.to()) {
          break;
        }
        JudgedCandidate chosen = at(judged, pair.prompt(), pair.chosen());
        if (pair.prompt() - first >= prompts.size()) {
          throw new OddValueException("a pair of prompt " + pair.prompt() + ", which is not there");
        }
        pairs.add(
            new PreferencePair(
                prompts.get(pair.prompt() - first),
                chosen,
                at(judged, pair.prompt(), pair.rejected()),
                pair.weight()));
      }
    } catch (OddValueException | InvalidInputException | IllegalArgumentException e) {
      throw database.odd(model.table + "s of iteration " + iteration, e);
    }
    return pairs;
  }

  /** The entry of a position that another table refers to. */
  private static <T> T at(Map<Integer, Map<Integer, T>> byPrompt, int prompt, int candidate) {
    T found = byPrompt.getOrDefault(prompt, Map.of()).get(candidate);
    if (found == null) {
      throw new OddValueException(
          "candidate " + candidate + " of prompt " + prompt + ", which is not there");
    }
    return found;
  }

  private static Double nullable(OptionalDouble value) {
    return value.isPresent() ? value.getAsDouble() : null;
  }

  /** A score, which is on the judge's scale where that is stored. */
  private static OptionalDouble score(Row row, int column, Optional<Judge.Scale> scale)
      throws SQLException {
    OptionalDouble found = row.numberIfThere(column);
    if (found.isPresent() && scale.isPresent()) {
      double slack = ROUNDING * scale.get().width();
      double score = found.getAsDouble();
      if (score < scale.get().lowest() - slack || score > scale.get().highest() + slack) {
        throw row.odd(
            column, "on the scale " + scale.get().lowest() + " to " + scale.get().highest());
      }
    }
    return found;
  }
}
