package org.autodidact.engine.store;

import com.fasterxml.jackson.core.type.TypeReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.sql.SQLException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.TreeMap;
import org.autodidact.api.Cancellation;
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
import org.autodidact.api.TrainingMetrics;
import org.autodidact.checkpoints.files.FolderLock;
import org.autodidact.checkpoints.files.StagedFolder;
import org.autodidact.engine.prompts.CreatedPrompt;
import org.autodidact.engine.store.Database.OddValueException;
import org.autodidact.engine.store.Database.Row;

/**
 * What a run has done so far. Every method that writes is one transaction: after a kill or a full
 * disk it has happened or it has not. Iterations count from 1; iteration t is made by model
 * M<sub>t</sub>. One thread at a time; one process at a time, held by a lock.
 */
public final class RunStore implements AutoCloseable {
  /** Raised when the tables change; a store of another version is refused. */
  private static final String FORMAT = "3";

  private static final String FILE = "run.db";

  private static final String SCALE = "scale";

  /** Of the first message: how many characters of it are {@link Prompt#templatePrefix}. */
  private static final String TEMPLATE_PREFIX = "beginning";

  private static final String FILES_OF = "files of ";

  /** Of a scale's width: scores are means. */
  private static final double ROUNDING = 1e-6;

  private final Path folder;
  private final Optional<FolderLock> lock;
  private final Database database;

  private RunStore(Path folder, Optional<FolderLock> lock, Database database) {
    this.folder = folder;
    this.lock = lock;
    this.database = database;
  }

  /** Opens the run in {@code folder}, or begins one there. */
  public static RunStore open(Path folder) {
    FolderLock lock = FolderLock.take(folder, "run.lock", "run");
    Optional<Database> database = Optional.empty();
    try {
      // Whoever holds the lock is the only one that writes here.
      StagedFolder.removeDead(folder);
      database = Optional.of(Database.open(folder.resolve(FILE)));
      RunStore store = new RunStore(folder, Optional.of(lock), database.get());
      store.requireFormat(store.putIfAbsent("format", FORMAT));
      return store;
    } catch (RuntimeException | Error e) {
      try (lock) {
        database.ifPresent(Database::close);
      }
      throw e;
    }
  }

  /** Opens the run that is in {@code folder}. */
  public static RunStore openExisting(Path folder) {
    requireThere(folder);
    return open(folder);
  }

  /**
   * Opens the run that is in {@code folder} to be read, be it at work or on a medium that cannot be
   * written. All that is read is of one moment. Methods that write fail.
   */
  public static RunStore read(Path folder) {
    requireThere(folder);
    Database database = Database.read(folder.resolve(FILE));
    try {
      RunStore store = new RunStore(folder, Optional.empty(), database);
      store.requireFormat(store.property("format").orElse("none"));
      return store;
    } catch (RuntimeException | Error e) {
      database.close();
      throw e;
    }
  }

  private static void requireThere(Path folder) {
    if (!Files.isRegularFile(folder.resolve(FILE))) {
      throw new InvalidInputException(
          folder
              + ": holds no run (no run.db); 'autodidact run CONFIG --output "
              + folder
              + "' begins one");
    }
  }

  private void requireFormat(String found) {
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
        .query("facts", "SELECT value FROM property WHERE name = ?", r -> r.text(1), name)
        .stream()
        .findFirst();
  }

  /** The facts whose name begins so, by name. */
  public SortedMap<String, String> properties(String beginning) {
    SortedMap<String, String> found = new TreeMap<>();
    database.query(
        "facts",
        "SELECT name, value FROM property",
        r -> r.text(1).startsWith(beginning) ? found.put(r.text(1), r.text(2)) : "");
    return found;
  }

  /** Stores a fact unless it is stored already; returns the stored one. */
  public String putIfAbsent(String name, String value) {
    database.transaction(
        () -> database.update("INSERT OR IGNORE INTO property VALUES (?, ?)", name, value));
    return property(name).orElseThrow();
  }

  /** Stores a fact, over an earlier one of its name. */
  public void put(String name, String value) {
    database.transaction(
        () -> database.update("INSERT OR REPLACE INTO property VALUES (?, ?)", name, value));
  }

  /** A property that is JSON. */
  <T> Optional<T> parsed(String name, TypeReference<T> type) {
    try {
      return property(name).map(json -> Database.parse(json, type));
    } catch (OddValueException e) {
      throw database.odd(name, e);
    }
  }

  /** Whether the stage is finished. */
  public boolean isFinished(String stage) {
    return !database.query("stages", "SELECT 1 FROM stage WHERE name = ?", r -> 1, stage).isEmpty();
  }

  /** Stores that a stage is finished, and the seconds that it took in this process. */
  public void finish(String stage, double seconds) {
    database.transaction(
        () -> database.update("INSERT OR IGNORE INTO stage VALUES (?, ?)", stage, seconds));
  }

  /**
   * The folder of a model that is finished: within the run's, or where the model lies that came in.
   */
  public Optional<Path> model(String name) {
    return database
        .query(
            "models",
            "SELECT folder FROM model WHERE name = ?",
            r -> modelFolder(name, r.text(1)),
            name)
        .stream()
        .findFirst();
  }

  /** A run from elsewhere must not lead to any folder of this machine. */
  private Path modelFolder(String name, String stored) {
    Path root = folder.toAbsolutePath().normalize();
    Path location = root.resolve(stored).normalize();
    boolean inside = location.startsWith(root) && !location.equals(root);
    if (!inside && !(isFirst(name) && Path.of(stored).isAbsolute())) {
      throw new OddValueException(
          "the model " + name + " in " + stored + ", outside of the run's folder");
    }
    return inside ? folder.resolve(root.relativize(location)) : location;
  }

  /** Whether a model is the one that came in, perhaps under the name of the fine-tuned one. */
  private boolean isFirst(String name) {
    return name.equals("M0")
        || database
                .query(
                    "models",
                    "SELECT 1 FROM model WHERE name = ? AND parent = 'M0'"
                        + " AND folder = (SELECT folder FROM model WHERE name = 'M0')",
                    r -> 1,
                    name)
                .size()
            > 0;
  }

  /** A finished model; {@code provenance} is JSON. */
  public record ModelRow(String name, Optional<String> parent, String provenance) {}

  /** The finished models in the order in which they were made. */
  public List<ModelRow> models() {
    return database.query(
        "models",
        "SELECT name, parent, provenance FROM model ORDER BY rowid",
        r -> new ModelRow(r.text(1), r.textIfThere(2), r.text(3)));
  }

  /**
   * Stores a finished model, its provenance and the hashes of its files.
   *
   * @param provenance JSON
   */
  public void addModel(String name, Optional<String> parent, Path modelFolder, String provenance) {
    Path root = folder.toAbsolutePath().normalize();
    Path location = modelFolder.toAbsolutePath().normalize();
    Path stored = location.startsWith(root) ? root.relativize(location) : location;
    // A model under a second name is not read a second time.
    String pin =
        parent
            .filter(
                p ->
                    model(p)
                        .filter(f -> f.toAbsolutePath().normalize().equals(location))
                        .isPresent())
            .flatMap(p -> property(FILES_OF + p))
            .orElseGet(() -> ModelPin.of(modelFolder, new Cancellation()).toJson());
    database.transaction(
        () -> {
          database.update(
              "INSERT OR IGNORE INTO model VALUES (?, ?, ?, ?)",
              name,
              parent.orElse(null),
              stored.toString(),
              provenance);
          database.update("INSERT OR REPLACE INTO property VALUES (?, ?)", FILES_OF + name, pin);
        });
  }

  /**
   * Checks, before a model is opened, that its files are what they were when the run stored it.
   *
   * @return its folder
   * @throws InvalidInputException where one has changed, is gone, or is new
   */
  public Path verify(String name, Cancellation cancellation) {
    Path location =
        model(name)
            .orElseThrow(
                () -> new InvalidInputException(folder + ": has no finished model '" + name + "'"));
    verify(name, location, cancellation);
    return location;
  }

  /**
   * Checks a model that is not the run's own, for example a judge's; its files are stored when it
   * is checked for the first time.
   */
  public void verify(String name, Path location, Cancellation cancellation) {
    Optional<String> pin = property(FILES_OF + name);
    if (pin.isEmpty()) {
      if (lock.isEmpty()) {
        return;
      }
      put(FILES_OF + name, ModelPin.of(location, cancellation).toJson());
      return;
    }
    try {
      ModelPin.parse(pin.get())
          .verify(name, location, cancellation)
          .filter(now -> lock.isPresent())
          .ifPresent(now -> put(FILES_OF + name, now.toJson()));
    } catch (OddValueException e) {
      throw database.odd("facts", e);
    }
  }

  /** Forgets the stored state of a model's files; the next opening takes them as they are. */
  public void forgetFiles(String name) {
    database.transaction(
        () -> database.update("DELETE FROM property WHERE name = ?", FILES_OF + name));
  }

  /**
   * Checks the files of all models whose folders are there. A deleted one is reported when it is
   * needed.
   */
  public void verifyModels(Cancellation cancellation) {
    for (ModelRow model : models()) {
      if (Files.isDirectory(model(model.name()).orElseThrow())) {
        verify(model.name(), cancellation);
      }
    }
  }

  /**
   * Stores the scale of the run's judge.
   *
   * @throws InvalidInputException where the run's judgements so far have another
   */
  public void storeScale(Judge.Scale scale) {
    Optional<Judge.Scale> stored = storedScale();
    if (stored.isEmpty()) {
      put(SCALE, Database.json(List.of(scale.lowest(), scale.highest())));
    } else if (!stored.get().equals(scale)) {
      throw new InvalidInputException(
          folder
              + ": the judge's scale is "
              + scale
              + ", that of the judgements so far "
              + stored.get()
              + "; go on with the judge that the run began with");
    }
  }

  /** The scale of the run's judge; the paper's where none is stored. */
  public Judge.Scale scale() {
    return storedScale().orElse(Judge.Scale.FIVE_POINTS);
  }

  private Optional<Judge.Scale> storedScale() {
    try {
      return property(SCALE)
          .map(json -> Database.parse(json, new TypeReference<List<Double>>() {}))
          .map(ends -> new Judge.Scale(ends.get(0), ends.get(1)));
    } catch (OddValueException | InvalidInputException | IndexOutOfBoundsException e) {
      throw database.odd("facts", e);
    }
  }

  /** Stores an iteration's prompts, all at once. */
  public void addPrompts(int iteration, List<Prompt> prompts) {
    database.transaction(
        () -> {
          for (int i = 0; i < prompts.size(); i++) {
            Prompt prompt = prompts.get(i);
            database.update(
                "INSERT INTO prompt VALUES (?, ?, ?, ?, NULL)",
                iteration,
                i,
                prompt.id(),
                Database.json(fields(prompt)));
          }
        });
  }

  /** An iteration's prompts, in order. */
  public List<Prompt> prompts(int iteration) {
    return database.query(
        "prompts",
        "SELECT id, messages FROM prompt WHERE iteration = ? ORDER BY position",
        r ->
            prompt(
                r.text(1),
                Database.parse(r.text(2), new TypeReference<List<Map<String, String>>>() {})),
        iteration);
  }

  /** In one order: two equal runs have equal bytes. */
  private static List<Map<String, String>> fields(Prompt prompt) {
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

  private static Prompt prompt(String id, List<Map<String, String>> all) {
    List<Message> messages = all.stream().map(RunStore::message).toList();
    String length = all.isEmpty() ? null : all.get(0).get(TEMPLATE_PREFIX);
    return length == null
        ? new Prompt(id, messages)
        : new Prompt(
            id, messages, messages.get(0).content().substring(0, Integer.parseInt(length)));
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
    int first = created(iteration).size();
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
   * @param firstSlot the slot of the first: 0 for the iterate's own, after them for a past
   *     iterate's, after those for a future one's
   */
  public void addCandidates(
      int iteration, int prompt, int firstSlot, String model, Generation generation) {
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
                firstSlot + i,
                model,
                c.seed(),
                c.text(),
                Database.json(c.tokens()),
                c.logProbability(),
                c.finishReason().name());
          }
        });
  }

  /** The iterate's own candidates of each prompt that has them, by the prompt's index. */
  public Map<Integer, List<Candidate>> ownCandidates(int iteration) {
    Map<Integer, List<Candidate>> own = new TreeMap<>();
    candidates(iteration)
        .forEach(
            (prompt, bySlot) ->
                bySlot.forEach(
                    (slot, c) -> {
                      if (c.model().equals("M" + iteration)) {
                        own.computeIfAbsent(prompt, p -> new ArrayList<>()).add(c.candidate());
                      }
                    }));
    return own;
  }

  /** A candidate and the model that wrote it. */
  public record SampledCandidate(String model, Candidate candidate) {}

  /**
   * All candidates, a past and a future iterate's included, by the prompt's index and their slot.
   */
  public Map<Integer, Map<Integer, SampledCandidate>> candidates(int iteration) {
    Map<Integer, Map<Integer, SampledCandidate>> byPrompt = new TreeMap<>();
    database.query(
        "candidates",
        "SELECT prompt, position, seed, text, tokens, log_probability, finish_reason, model"
            + " FROM candidate WHERE iteration = ? ORDER BY prompt, position",
        r ->
            byPrompt
                .computeIfAbsent(r.count(1), p -> new TreeMap<>())
                .put(
                    r.count(2),
                    new SampledCandidate(
                        r.text(8),
                        new Candidate(
                            r.integer(3),
                            r.text(4),
                            Database.parse(r.text(5), new TypeReference<List<Integer>>() {}),
                            r.number(6),
                            r.oneOf(7, FinishReason.class)))),
        iteration);
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
                sample.position().name(),
                sample.parseFailure().map(Enum::name).orElse(null));
          }
        });
  }

  /** The candidates that are judged, by the prompt's index and the candidate's slot. */
  public Map<Integer, Map<Integer, JudgedCandidate>> judged(int iteration) {
    Map<String, List<JudgementSample>> samples = new LinkedHashMap<>();
    Optional<Judge.Scale> scale = storedScale();
    database.query(
        "judgement samples",
        "SELECT prompt, candidate, score, text, shown, unread FROM judgement_sample WHERE iteration = ?"
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
        iteration);
    Map<Integer, Map<Integer, SampledCandidate>> candidates = candidates(iteration);
    Map<Integer, Map<Integer, JudgedCandidate>> byPrompt = new TreeMap<>();
    database.query(
        "judgements",
        "SELECT prompt, candidate, score FROM judgement WHERE iteration = ? ORDER BY prompt, candidate",
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
        iteration);
    return byPrompt;
  }

  /** Stores the score of a candidate by the previous iterate. */
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

  /** The scores of the previous iterate, by the prompt's index and the candidate's slot. */
  public Map<Integer, Map<Integer, OptionalDouble>> earlierScores(int iteration) {
    Map<Integer, Map<Integer, OptionalDouble>> byPrompt = new TreeMap<>();
    Optional<Judge.Scale> scale = storedScale();
    database.query(
        "earlier scores",
        "SELECT prompt, candidate, score FROM earlier_score WHERE iteration = ?",
        r ->
            byPrompt
                .computeIfAbsent(r.count(1), p -> new TreeMap<>())
                .put(r.count(2), score(r, 3, scale)),
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
        "metrics",
        "SELECT name, value FROM metric WHERE iteration = ?",
        r -> values.put(r.text(1), r.measured(2)),
        iteration);
    return values;
  }

  /** A pair: the index of its prompt, the slots of its candidates, and its weight. */
  public record PairSlots(int prompt, int chosen, int rejected, double weight) {}

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
      Learner model, int iteration, List<PairSlots> pairs, String stage, double seconds) {
    database.transaction(
        () -> {
          for (PairSlots pair : pairs) {
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
    return pairs(Learner.NEXT, iteration);
  }

  /** The pairs that {@code model} learns from, in the order of their prompts. */
  public List<PreferencePair> pairs(Learner model, int iteration) {
    List<Prompt> prompts = prompts(iteration);
    Map<Integer, Map<Integer, JudgedCandidate>> judged = judged(iteration);
    return database.query(
        "pairs",
        "SELECT prompt, chosen, rejected, weight FROM "
            + model.table
            + " WHERE iteration = ? ORDER BY prompt",
        r -> {
          JudgedCandidate chosen = at(judged, r.count(1), r.count(2));
          if (r.count(1) >= prompts.size()) {
            throw new OddValueException("a pair of prompt " + r.count(1) + ", which is not there");
          }
          return new PreferencePair(
              prompts.get(r.count(1)), chosen, at(judged, r.count(1), r.count(3)), r.number(4));
        },
        iteration);
  }

  /** The entry of a slot that another table refers to. */
  private static <T> T at(Map<Integer, Map<Integer, T>> byPrompt, int prompt, int candidate) {
    T found = byPrompt.getOrDefault(prompt, Map.of()).get(candidate);
    if (found == null) {
      throw new OddValueException(
          "candidate " + candidate + " of prompt " + prompt + ", which is not there");
    }
    return found;
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
        "training steps",
        "SELECT step, steps, tokens, metrics FROM training_step WHERE model = ? ORDER BY step",
        r ->
            TrainingMetrics.of(
                r.count(1),
                r.count(2),
                r.integer(3),
                Database.parse(r.text(4), new TypeReference<Map<String, Double>>() {})),
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
      counts.put(
          table, database.query(table, "SELECT COUNT(*) FROM " + table, r -> r.integer(1)).get(0));
    }
    return counts;
  }

  /** Seconds of each finished stage in the process that finished it. */
  public Map<String, Double> stageSeconds() {
    Map<String, Double> seconds = new LinkedHashMap<>();
    database.query(
        "stages",
        "SELECT name, seconds FROM stage ORDER BY rowid",
        r -> seconds.put(r.text(1), r.number(2)));
    return seconds;
  }

  @Override
  public void close() {
    try {
      database.close();
    } finally {
      lock.ifPresent(FolderLock::close);
    }
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
