package org.autodidact.engine.store;

import com.fasterxml.jackson.core.type.TypeReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.JudgementSample.Shown;
import org.autodidact.api.JudgementSample.Unread;
import org.autodidact.api.Message;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.Prompt;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.checkpoints.FolderLock;
import org.autodidact.engine.prompts.CreatedPrompt;

/**
 * What a run has done so far. Every method that writes is one transaction: after a kill or a full
 * disk it has happened or it has not. Iterations count from 1; iteration t is made by model
 * M<sub>t</sub>. One thread at a time; one process at a time, held by a lock.
 */
public final class RunStore implements AutoCloseable {
  /** Raised when the tables change; a store of another version is refused. */
  private static final String FORMAT = "3";

  private final Path folder;
  private final FolderLock lock;
  private final Database database;

  private RunStore(Path folder, FolderLock lock, Database database) {
    this.folder = folder;
    this.lock = lock;
    this.database = database;
  }

  /** Opens the run in {@code folder}, or begins one there. */
  public static RunStore open(Path folder) {
    FolderLock lock = FolderLock.take(folder, "run.lock", "run");
    RunStore store;
    try {
      store = new RunStore(folder, lock, Database.open(folder.resolve("run.db")));
    } catch (RuntimeException e) {
      lock.close();
      throw e;
    }
    try {
      store.requireFormat();
    } catch (RuntimeException e) {
      store.close();
      throw e;
    }
    return store;
  }

  /** Opens the run that is in {@code folder}. */
  public static RunStore openExisting(Path folder) {
    if (!Files.isRegularFile(folder.resolve("run.db"))) {
      throw new InvalidInputException(
          folder
              + ": holds no run (no run.db); 'autodidact run CONFIG --output "
              + folder
              + "' begins one");
    }
    return open(folder);
  }

  private void requireFormat() {
    String found = putIfAbsent("format", FORMAT);
    if (!found.equals(FORMAT)) {
      throw new InvalidInputException(
          folder
              + ": the run was stored in format "
              + found
              + ", this version reads "
              + FORMAT
              + "; finish it with the version that began it");
    }
  }

  public Path folder() {
    return folder;
  }

  /** A fact of the whole run. */
  public Optional<String> property(String name) {
    return database
        .query("SELECT value FROM property WHERE name = ?", r -> r.getString(1), name)
        .stream()
        .findFirst();
  }

  /** The facts whose name begins so, by name. */
  public SortedMap<String, String> properties(String beginning) {
    SortedMap<String, String> found = new TreeMap<>();
    database.query(
        "SELECT name, value FROM property",
        r -> r.getString(1).startsWith(beginning) ? found.put(r.getString(1), r.getString(2)) : "");
    return found;
  }

  /** Notes a fact, unless it is noted already; what is noted then. */
  public String putIfAbsent(String name, String value) {
    database.transaction(
        () -> database.update("INSERT OR IGNORE INTO property VALUES (?, ?)", name, value));
    return property(name).orElseThrow();
  }

  /** Notes a fact in place of what was noted before. */
  public void put(String name, String value) {
    database.transaction(
        () -> database.update("INSERT OR REPLACE INTO property VALUES (?, ?)", name, value));
  }

  /** Whether the stage is finished. */
  public boolean isFinished(String stage) {
    return !database.query("SELECT 1 FROM stage WHERE name = ?", r -> 1, stage).isEmpty();
  }

  /** Notes that a stage is finished, and what it took in this process. */
  public void finish(String stage, double seconds) {
    database.transaction(
        () -> database.update("INSERT OR IGNORE INTO stage VALUES (?, ?)", stage, seconds));
  }

  /** The folder of a model that is finished. */
  public Optional<Path> model(String name) {
    return database
        .query("SELECT folder FROM model WHERE name = ?", r -> Path.of(r.getString(1)), name)
        .stream()
        .map(folder::resolve)
        .findFirst();
  }

  /** A finished model; {@code provenance} is JSON. */
  public record ModelRow(String name, Optional<String> parent, String provenance) {}

  /** The finished models in the order in which they were made. */
  public List<ModelRow> models() {
    return database.query(
        "SELECT name, parent, provenance FROM model ORDER BY rowid",
        r -> new ModelRow(r.getString(1), Optional.ofNullable(r.getString(2)), r.getString(3)));
  }

  /**
   * Notes a finished model and where it comes from.
   *
   * @param provenance JSON
   */
  public void addModel(String name, Optional<String> parent, Path modelFolder, String provenance) {
    Path stored =
        modelFolder.startsWith(folder)
            ? folder.relativize(modelFolder)
            : modelFolder.toAbsolutePath();
    database.transaction(
        () ->
            database.update(
                "INSERT OR IGNORE INTO model VALUES (?, ?, ?, ?)",
                name,
                parent.orElse(null),
                stored.toString(),
                provenance));
  }

  /** Stores an iteration's prompts, all at once. */
  public void addPrompts(int iteration, List<Prompt> prompts) {
    database.transaction(
        () -> {
          for (int i = 0; i < prompts.size(); i++) {
            database.update(
                "INSERT INTO prompt VALUES (?, ?, ?, ?, NULL)",
                iteration,
                i,
                prompts.get(i).id(),
                Database.json(
                    prompts.get(i).messages().stream()
                        .map(m -> Map.of("role", m.role(), "content", m.content()))
                        .toList()));
          }
        });
  }

  /** An iteration's prompts, in order. */
  public List<Prompt> prompts(int iteration) {
    return database.query(
        "SELECT id, messages FROM prompt WHERE iteration = ? ORDER BY position",
        r ->
            new Prompt(
                r.getString(1),
                database
                    .parse(r.getString(2), new TypeReference<List<Map<String, String>>>() {})
                    .stream()
                    .map(m -> new Message(m.get("role"), m.get("content")))
                    .toList()),
        iteration);
  }

  /** Stores a round of attempts at new prompts, behind those that are there. */
  public void addCreated(int iteration, String model, List<CreatedPrompt> round) {
    int first = created(iteration).size();
    database.transaction(
        () -> {
          for (int i = 0; i < round.size(); i++) {
            CreatedPrompt c = round.get(i);
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
        "SELECT id, shots, seed, text, outcome FROM created_prompt WHERE iteration = ?"
            + " ORDER BY position",
        r ->
            new CreatedPrompt(
                r.getString(1),
                database.parse(r.getString(2), new TypeReference<List<String>>() {}),
                r.getLong(3),
                r.getString(4),
                r.getString(5)),
        iteration);
  }

  /**
   * Stores a model's candidates of one prompt.
   *
   * @param first the place of the first: 0 for the iterate's own, behind them for a past iterate's,
   *     behind those for a future one's
   */
  public void addCandidates(
      int iteration, int prompt, int first, String model, Generation generation) {
    database.transaction(
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
                "INSERT INTO candidate VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                iteration,
                prompt,
                first + i,
                model,
                c.seed(),
                c.text(),
                Database.json(c.tokens()),
                c.logProbability(),
                c.finishReason().name());
          }
        });
  }

  /** The iterate's own candidates of each prompt that has them, by the prompt's place. */
  public Map<Integer, List<Candidate>> candidates(int iteration) {
    Map<Integer, List<Candidate>> own = new TreeMap<>();
    placed(iteration)
        .forEach(
            (prompt, places) ->
                places.forEach(
                    (place, c) -> {
                      if (c.model().equals("M" + iteration)) {
                        own.computeIfAbsent(prompt, p -> new ArrayList<>()).add(c.candidate());
                      }
                    }));
    return own;
  }

  /** A candidate and the model that wrote it. */
  public record PlacedCandidate(String model, Candidate candidate) {}

  /**
   * All candidates, a past and a future iterate's included, by the prompt's and their own place.
   */
  public Map<Integer, Map<Integer, PlacedCandidate>> placed(int iteration) {
    Map<Integer, Map<Integer, PlacedCandidate>> byPrompt = new TreeMap<>();
    database.query(
        "SELECT prompt, position, seed, text, tokens, log_probability, finish_reason, model"
            + " FROM candidate WHERE iteration = ? ORDER BY prompt, position",
        r ->
            byPrompt
                .computeIfAbsent(r.getInt(1), p -> new TreeMap<>())
                .put(
                    r.getInt(2),
                    new PlacedCandidate(
                        r.getString(8),
                        new Candidate(
                            r.getLong(3),
                            r.getString(4),
                            database.parse(r.getString(5), new TypeReference<List<Integer>>() {}),
                            r.getDouble(6),
                            FinishReason.valueOf(r.getString(7))))),
        iteration);
    return byPrompt;
  }

  /** Stores the judgement of one candidate and its samples; {@code seeds} drew them. */
  public void addJudgement(
      int iteration,
      int prompt,
      int candidate,
      String judge,
      String model,
      Judgement judgement,
      List<Long> seeds) {
    database.transaction(
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
                sample.shown().name(),
                sample.unread().map(Enum::name).orElse(null));
          }
        });
  }

  /** The candidates that are judged, by the prompt's and the candidate's place. */
  public Map<Integer, Map<Integer, JudgedCandidate>> judged(int iteration) {
    Map<String, List<JudgementSample>> samples = new LinkedHashMap<>();
    database.query(
        "SELECT prompt, candidate, score, text, shown, unread FROM judgement_sample WHERE iteration = ?"
            + " ORDER BY prompt, candidate, position",
        r ->
            samples
                .computeIfAbsent(r.getInt(1) + "/" + r.getInt(2), k -> new ArrayList<>())
                .add(
                    new JudgementSample(
                        score(r, 3),
                        r.getString(4),
                        Shown.valueOf(r.getString(5)),
                        Optional.ofNullable(r.getString(6)).map(Unread::valueOf))),
        iteration);
    Map<Integer, Map<Integer, PlacedCandidate>> candidates = placed(iteration);
    Map<Integer, Map<Integer, JudgedCandidate>> byPrompt = new TreeMap<>();
    database.query(
        "SELECT prompt, candidate, score FROM judgement WHERE iteration = ? ORDER BY prompt, candidate",
        r -> {
          int prompt = r.getInt(1);
          int candidate = r.getInt(2);
          String id = prompt + "/" + candidate;
          return byPrompt
              .computeIfAbsent(prompt, p -> new TreeMap<>())
              .put(
                  candidate,
                  new JudgedCandidate(
                      candidates.get(prompt).get(candidate).candidate(),
                      new Judgement(id, score(r, 3), samples.getOrDefault(id, List.of()))));
        },
        iteration);
    return byPrompt;
  }

  /** Stores the score that the iterate before gives a candidate. */
  public void addEarlierScore(
      int iteration, int prompt, int candidate, String model, OptionalDouble score) {
    database.transaction(
        () ->
            database.update(
                "INSERT INTO earlier_score VALUES (?, ?, ?, ?, ?)",
                iteration,
                prompt,
                candidate,
                model,
                nullable(score)));
  }

  /** The scores that the iterate before gave, by the prompt's and the candidate's place. */
  public Map<Integer, Map<Integer, OptionalDouble>> earlierScores(int iteration) {
    Map<Integer, Map<Integer, OptionalDouble>> byPrompt = new TreeMap<>();
    database.query(
        "SELECT prompt, candidate, score FROM earlier_score WHERE iteration = ?",
        r ->
            byPrompt
                .computeIfAbsent(r.getInt(1), p -> new TreeMap<>())
                .put(r.getInt(2), score(r, 3)),
        iteration);
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

  /** What was measured of an iteration, by name. */
  public SortedMap<String, Double> metrics(int iteration) {
    SortedMap<String, Double> values = new TreeMap<>();
    database.query(
        "SELECT name, value FROM metric WHERE iteration = ?",
        r -> values.put(r.getString(1), r.getDouble(2)),
        iteration);
    return values;
  }

  /** A pair by places: the prompt's, and the candidates' within it; and its weight. */
  public record PairPlaces(int prompt, int chosen, int rejected, double weight) {}

  /** Which model learns from an iteration's pairs. */
  public enum PairsFor {
    /** The next iterate. */
    NEXT("pair"),
    /** The future iterate that helps to choose the pairs of the next. */
    FUTURE("future_pair");

    private final String table;

    PairsFor(String table) {
      this.table = table;
    }
  }

  /** Stores an iteration's pairs, all at once, and that the stage is finished. */
  public void addPairs(
      PairsFor model, int iteration, List<PairPlaces> pairs, String stage, double seconds) {
    database.transaction(
        () -> {
          for (PairPlaces pair : pairs) {
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

  /** The pairs that the next iterate learns from, in the order of their prompts. */
  public List<PreferencePair> pairs(int iteration) {
    return pairs(PairsFor.NEXT, iteration);
  }

  /** The pairs that {@code model} learns from, in the order of their prompts. */
  public List<PreferencePair> pairs(PairsFor model, int iteration) {
    List<Prompt> prompts = prompts(iteration);
    Map<Integer, Map<Integer, JudgedCandidate>> judged = judged(iteration);
    return database.query(
        "SELECT prompt, chosen, rejected, weight FROM "
            + model.table
            + " WHERE iteration = ? ORDER BY prompt",
        r ->
            new PreferencePair(
                prompts.get(r.getInt(1)),
                judged.get(r.getInt(1)).get(r.getInt(2)),
                judged.get(r.getInt(1)).get(r.getInt(3)),
                r.getDouble(4)),
        iteration);
  }

  /**
   * Stores one optimizer step of the model that is being made; a step done again replaces itself.
   */
  public void addStep(String model, TrainingMetrics metrics) {
    database.transaction(
        () ->
            database.update(
                "INSERT OR REPLACE INTO training_step VALUES (?, ?, ?, ?, ?)",
                model,
                metrics.step(),
                metrics.steps(),
                metrics.tokens(),
                Database.json(metrics.values())));
  }

  /** The steps of a training, in order. */
  public List<TrainingMetrics> steps(String model) {
    return database.query(
        "SELECT step, steps, tokens, metrics FROM training_step WHERE model = ? ORDER BY step",
        r ->
            TrainingMetrics.of(
                r.getInt(1),
                r.getInt(2),
                r.getLong(3),
                database.parse(r.getString(4), new TypeReference<Map<String, Double>>() {})),
        model);
  }

  /** Rows of each table, for checks and reports. */
  public Map<String, Long> counts() {
    Map<String, Long> counts = new LinkedHashMap<>();
    for (String table :
        List.of(
            "model",
            "prompt",
            "candidate",
            "judgement",
            "judgement_sample",
            "pair",
            "training_step")) {
      counts.put(table, database.query("SELECT COUNT(*) FROM " + table, r -> r.getLong(1)).get(0));
    }
    return counts;
  }

  /** Seconds of each finished stage in the process that finished it. */
  public Map<String, Double> stageSeconds() {
    Map<String, Double> seconds = new LinkedHashMap<>();
    database.query(
        "SELECT name, seconds FROM stage ORDER BY rowid",
        r -> seconds.put(r.getString(1), r.getDouble(2)));
    return seconds;
  }

  @Override
  public void close() {
    try {
      database.close();
    } finally {
      lock.close();
    }
  }

  private static Double nullable(OptionalDouble value) {
    return value.isPresent() ? value.getAsDouble() : null;
  }

  private static OptionalDouble score(ResultSet row, int column) throws SQLException {
    double value = row.getDouble(column);
    return row.wasNull() ? OptionalDouble.empty() : OptionalDouble.of(value);
  }
}
