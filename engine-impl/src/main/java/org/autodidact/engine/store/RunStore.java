package org.autodidact.engine.store;

import com.fasterxml.jackson.core.type.TypeReference;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.Usage;
import org.autodidact.checkpoints.files.FolderLock;
import org.autodidact.checkpoints.files.StagedFolder;
import org.autodidact.engine.store.Database.OddValueException;

/**
 * The stored work of a run. Every method that writes is whole: after a kill or a full disk it has
 * happened or it has not. Results of prompts and steps of a training that come faster than the disk
 * can confirm them are confirmed together, within a tenth of a second. Iterations count from 1;
 * iteration t is made by model M<sub>t</sub>. One thread at a time; one process at a time, held by
 * a lock.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class RunStore implements AutoCloseable {
  /** Raised when the tables change; a store of another version is refused. */
  private static final String FORMAT = "4";

  private static final String FILE = "run.db";

  private static final String SCALE = "scale";

  private static final String USAGE = "usage";

  private static final String FILES_OF = "files of ";

  private final Path folder;
  private final Optional<FolderLock> lock;
  private final Database database;
  private final IterationStore iterations;
  private final TrainingLog trainingLog;

  private RunStore(Path folder, Optional<FolderLock> lock, Database database) {
    this.folder = folder;
    this.lock = lock;
    this.database = database;
    this.iterations = new IterationStore(database, this::storedScale);
    this.trainingLog = new TrainingLog(database);
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

  /** The work of each iteration. */
  public IterationStore iterations() {
    return iterations;
  }

  /** The optimizer steps of each training. */
  public TrainingLog trainingLog() {
    return trainingLog;
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

  /**
   * The time when the run began, which does not go on: what chat templates write of it is the same
   * when the run is resumed on another day.
   */
  public Clock clock() {
    String now = ZonedDateTime.now().toString();
    ZonedDateTime begun = ZonedDateTime.parse(lock.isEmpty() ? now : putIfAbsent("begun", now));
    return Clock.fixed(begun.toInstant(), begun.getZone());
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
   * A model that is finished: its folder, within the run's or where the model lies that came in, or
   * its reference.
   */
  public Optional<Checkpoint> model(String name) {
    return database
        .query(
            "models",
            "SELECT location, reference FROM model WHERE name = ?",
            r ->
                r.count(2) == 1
                    ? Checkpoint.reference(name, r.text(1))
                    : new Checkpoint(name, modelFolder(name, r.text(1))),
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
                        + " AND location = (SELECT location FROM model WHERE name = 'M0')",
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
  public void addModel(Checkpoint model, Optional<String> parent, String provenance) {
    String location = model.location();
    Optional<String> pin = Optional.empty();
    if (!model.isReference()) {
      Path root = folder.toAbsolutePath().normalize();
      Path there = model.folder().toAbsolutePath().normalize();
      location = (there.startsWith(root) ? root.relativize(there) : there).toString();
      // A model under a second name is not read a second time.
      pin =
          parent
              .filter(p -> model(p).filter(c -> isIn(c, there)).isPresent())
              .flatMap(p -> property(FILES_OF + p))
              .or(() -> Optional.of(ModelPin.of(there, new Cancellation()).toJson()));
    }
    String stored = location;
    Optional<String> files = pin;
    database.transaction(
        () -> {
          database.update(
              "INSERT OR IGNORE INTO model VALUES (?, ?, ?, ?, ?)",
              model.name(),
              parent.orElse(null),
              stored,
              model.isReference() ? 1 : 0,
              provenance);
          if (files.isPresent()) {
            database.update(
                "INSERT OR REPLACE INTO property VALUES (?, ?)",
                FILES_OF + model.name(),
                files.get());
          }
        });
  }

  private static boolean isIn(Checkpoint model, Path folder) {
    return !model.isReference() && model.folder().toAbsolutePath().normalize().equals(folder);
  }

  /**
   * Checks, before a model is opened, that its files are what they were when the run stored it. Of
   * a reference nothing can be checked.
   *
   * @throws InvalidInputException where one has changed, is gone, or is new
   */
  public void verify(Checkpoint model, Cancellation cancellation) {
    if (!model.isReference()) {
      verify(model.name(), model.folder(), cancellation);
    }
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
    for (ModelRow row : models()) {
      Checkpoint model = model(row.name()).orElseThrow();
      if (!model.isReference() && Files.isDirectory(model.folder())) {
        verify(model, cancellation);
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

  /** Adds to what a model asked of its server. */
  public void addUsage(String model, Usage usage) {
    if (!usage.equals(Usage.NONE)) {
      SortedMap<String, Usage> all = new TreeMap<>(usage());
      all.merge(model, usage, Usage::plus);
      put(USAGE, Database.json(all));
    }
  }

  /**
   * What the models asked of their servers, by name. What a process asked that was killed is not in
   * it.
   */
  public SortedMap<String, Usage> usage() {
    return parsed(USAGE, new TypeReference<TreeMap<String, Usage>>() {}).orElseGet(TreeMap::new);
  }

  @Override
  public void close() {
    try {
      database.close();
    } finally {
      lock.ifPresent(FolderLock::close);
    }
  }
}
