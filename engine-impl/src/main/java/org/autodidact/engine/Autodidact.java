package org.autodidact.engine;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Plugin;
import org.autodidact.api.PromptSource;
import org.autodidact.api.RunListener;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainerProvider.TrainerContext;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.files.BoundedFiles;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.ModelName;
import org.autodidact.engine.config.Part;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.config.TrainingOptions;
import org.autodidact.engine.data.FineTuningData;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.loop.EvaluationStage;
import org.autodidact.engine.loop.JudgeModel;
import org.autodidact.engine.loop.JudgingStage;
import org.autodidact.engine.loop.PairingStage;
import org.autodidact.engine.loop.PromptStage;
import org.autodidact.engine.loop.SelfRewardingLoop;
import org.autodidact.engine.loop.StageRunner;
import org.autodidact.engine.plugins.OptionSources;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.plugins.Requirements;
import org.autodidact.engine.store.ModelLocator;
import org.autodidact.engine.store.Provenance;
import org.autodidact.engine.store.RunStore;

/**
 * The engine: begins runs and goes on with them. Immutable and thread-safe; each run needs a folder
 * of its own.
 *
 * <pre>{@code
 * Autodidact engine = Autodidact.builder().build();
 * Checkpoint best = engine.run(ConfigFile.read(Path.of("run.yaml"), Map.of()), Path.of("run"));
 * }</pre>
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public final class Autodidact {
  private final Plugins plugins;
  private final RunListener listener;
  private final Optional<PromptSource> promptSource;

  private Autodidact(Builder builder) {
    this.plugins = Plugins.discover(builder.plugins);
    this.listener = RunListener.all(builder.listeners);
    this.promptSource = builder.promptSource;
  }

  public static Builder builder() {
    return new Builder();
  }

  public Plugins plugins() {
    return plugins;
  }

  /** {@link #run(RunConfig, Path, Cancellation)} that nobody cancels. */
  public Checkpoint run(RunConfig config, Path folder) {
    return run(config, folder, new Cancellation());
  }

  /**
   * Begins a run in {@code folder}, or goes on with the one there if it has the same configuration.
   *
   * @return the last iterate; M1, M2, … lie in {@code folder}
   * @throws InvalidInputException where the folder holds a run of another configuration
   * @throws CancelledException once {@code cancellation} is set; what is finished stays, and the
   *     same call goes on from there. Interrupting the thread is no way to cancel: it may close
   *     what is being read or written, which ends the run so, or go unseen
   * @throws org.autodidact.api.RuleBrokenException where a plugin breaks a rule of its interface
   */
  public Checkpoint run(RunConfig config, Path folder, Cancellation cancellation) {
    Objects.requireNonNull(cancellation, "cancellation");
    checkParts(config);
    RunConfig located = located(config, cancellation);
    try (RunStore store = RunStore.open(folder)) {
      String json = ConfigFile.toJson(located);
      if (store.property("config").isEmpty()) {
        checkFiles(located); // or the folder would be bound to a configuration that cannot run
      }
      String stored =
          ConfigFile.toJson(
              ConfigFile.fromJson(store.putIfAbsent("config", json), folder.toString()));
      if (!stored.equals(json)) {
        throw new InvalidInputException(
            folder
                + ": holds a run of another configuration; 'resume' goes on with that one, another"
                + " --output begins a new one. What differs, stored and given: "
                + ConfigFile.differences(stored, json));
      }
      return run(located, store, cancellation);
    }
  }

  /** The configuration with its models where they lie: those that the hub names are downloaded. */
  private RunConfig located(RunConfig config, Cancellation cancellation) {
    String judging = config.judge().generator().orElse(config.generator()).name();
    return config.withModels(
        model -> located(model, config.generator().name(), cancellation),
        model -> located(model, judging, cancellation));
  }

  private ModelName located(ModelName model, String generator, Cancellation cancellation) {
    return ModelLocator.isReference(model.text(), plugins.generator(generator))
        ? model
        : new ModelName(ModelLocator.located(model.path(), cancellation));
  }

  /** {@link #resume(Path, Cancellation)} that nobody cancels. */
  public Checkpoint resume(Path folder) {
    return resume(folder, new Cancellation());
  }

  /** Goes on with the run in {@code folder}. */
  public Checkpoint resume(Path folder, Cancellation cancellation) {
    Objects.requireNonNull(cancellation, "cancellation");
    try (RunStore store = RunStore.openExisting(folder)) {
      String json =
          store
              .property("config")
              .orElseThrow(
                  () ->
                      new InvalidInputException(
                          folder
                              + ": the run was cut off before its configuration was stored; begin"
                              + " it again with 'autodidact run'"));
      RunConfig config = ConfigFile.fromJson(json, folder.resolve("run.db").toString());
      checkParts(config);
      return run(config, store, cancellation);
    }
  }

  private Checkpoint run(RunConfig config, RunStore store, Cancellation cancellation) {
    pinPrompts(store);
    noteVectors(store);
    noteParts(config, store);
    pinData(config, store, cancellation);
    try {
      store.verifyModels(cancellation);
      storeM0(config, store);
      StageRunner runner =
          new StageRunner(config, plugins, store, promptSource, listener, cancellation);
      return new SelfRewardingLoop(runner).run();
    } catch (AutodidactException e) {
      boolean plain = e instanceof StorageException || e.getClass() == AutodidactException.class;
      if (plain && Thread.currentThread().isInterrupted()) {
        // An interrupt closes the file that is being read or written.
        throw new CancelledException("the run's thread was interrupted", e);
      }
      throw e;
    }
  }

  /** Fails before anything is stored where a file is not there, or holds what cannot be used. */
  private void checkFiles(RunConfig config) {
    checkThere(config, config.generator(), m0(config));
    JudgeModel.of(config, plugins)
        .ifPresent(judge -> checkThere(config, judge.generator(), judge.named()));
    config
        .prompts()
        .selfInstruct()
        .ifPresent(
            section -> {
              section.model().ifPresent(m -> ModelLocator.requireThere(m.path()));
              section.exclude().ifPresent(f -> JsonLines.instructions(f));
              JsonLines.instructions(config.seedPrompts());
            });
    config
        .fineTuning()
        .ifPresent(f -> FineTuningData.read(f.ift(), f.eft(), config.judge().template()));
    if (promptSource.isEmpty() && config.prompts().selfInstruct().isEmpty()) {
      PromptStage.source(config, plugins).prompts(1, config.prompts().perIteration());
    }
  }

  /** A GGUF file can be asked only when it is imported. */
  private void checkThere(RunConfig config, Part generator, Checkpoint model) {
    if (!model.isReference()) {
      ModelLocator.requireThere(model.folder());
    }
    if (model.isReference() || Files.isDirectory(model.folder())) {
      checkModel(config, generator, model);
    }
  }

  /** A host that resumes without its prompts would have the next iteration learn from others. */
  private void pinPrompts(RunStore store) {
    String now = promptSource.isPresent() ? "the host's" : "the configuration's";
    String begun = store.putIfAbsent("prompts", now);
    if (!begun.equals(now)) {
      throw new InvalidInputException(
          store.folder()
              + ": the run began with "
              + begun
              + " prompts, and would go on with "
              + now
              + (promptSource.isPresent()
                  ? "; leave promptSource out"
                  : "; give it a promptSource"));
    }
  }

  /**
   * In 8 bits a seed samples other texts where the JVM has no vectors, as sums have another order:
   * a run that goes on otherwise than it began says so.
   */
  private void noteVectors(RunStore store) {
    String now =
        ModuleLayer.boot().findModule("jdk.incubator.vector").isPresent() ? "with" : "without";
    String begun = store.putIfAbsent("vectors", now);
    if (!begun.equals(now)) {
      String text =
          "the run began "
              + begun
              + " the Vector API (--add-modules jdk.incubator.vector) and goes on "
              + now
              + " them: in 8 bits a seed samples other texts";
      warn(store, "vectors", text);
    }
  }

  /** A part of the run: its provider, and the options that it is given. */
  private record ConfiguredPart(PartProvider provider, Map<String, String> options) {}

  private Map<String, ConfiguredPart> parts(RunConfig config) {
    Map<String, ConfiguredPart> parts = new LinkedHashMap<>();
    parts.put("generator", generator(config.generator()));
    RunConfig.JudgeSection judge = config.judge();
    parts.put("judge", new ConfiguredPart(plugins.judge(judge.name()), judge.options()));
    judge.generator().ifPresent(part -> parts.put("judge.generator", generator(part)));
    judge
        .members()
        .forEach(
            m -> parts.put("judge.members " + m, new ConfiguredPart(plugins.judge(m), Map.of())));
    RunConfig.Selector selector = config.selector();
    parts.put(
        "selector", new ConfiguredPart(plugins.pairSelector(selector.name()), selector.options()));
    Part trainer = config.trainer();
    parts.put("trainer", new ConfiguredPart(plugins.trainer(trainer.name()), trainer.options()));
    config
        .prompts()
        .source()
        .ifPresent(
            p ->
                parts.put(
                    "prompts.source",
                    new ConfiguredPart(plugins.promptSource(p.name()), p.options())));
    config
        .prompts()
        .selfInstruct()
        .ifPresent(
            section ->
                section
                    .filters()
                    .forEach(
                        f ->
                            parts.put(
                                "filters " + f,
                                new ConfiguredPart(
                                    plugins.promptFilter(f),
                                    section.filterOptions().getOrDefault(f, Map.of())))));
    return parts;
  }

  private ConfiguredPart generator(Part part) {
    return new ConfiguredPart(plugins.generator(part.name()), part.options());
  }

  /**
   * A plugin of another version, and an option whose variable or file is another, may do otherwise:
   * a run that goes on with one says so.
   */
  private void noteParts(RunConfig config, RunStore store) {
    parts(config)
        .forEach(
            (name, part) -> {
              String now = plugins.owner(part.provider());
              String begun = store.putIfAbsent("plugin of " + name, now);
              if (!begun.equals(now)) {
                warn(
                    store,
                    name,
                    "the run began with the "
                        + name
                        + " '"
                        + part.provider().name()
                        + "' of the plugin "
                        + begun
                        + " and goes on with that of "
                        + now);
              }
              OptionSources.hashes(part.provider(), part.options())
                  .forEach(
                      (option, hash) -> {
                        String key = name + ".options." + option;
                        if (!store.putIfAbsent("sha256 of option " + key, hash).equals(hash)) {
                          warn(
                              store,
                              key,
                              "what "
                                  + key
                                  + " names (an environment variable or a file) has changed since"
                                  + " the run began");
                        }
                      });
            });
  }

  private void warn(RunStore store, String what, String text) {
    store.put("guard: run warns: " + what, text);
    listener.warned(new RunListener.Stage("M0", RunListener.Kind.CANDIDATES), text);
  }

  /**
   * Fails before any work where a name is unknown, a setting or an option is out of range, or a
   * part is asked for what it cannot do.
   */
  private void checkParts(RunConfig config) {
    parts(config)
        .forEach(
            (name, part) ->
                Requirements.options(name + ".options", part.provider(), part.options()));
    GeneratorProvider generator = plugins.generator(config.generator().name());
    Requirements.sampling(generator, config.candidates().sampling(), "candidates.");
    config
        .evaluation()
        .flatMap(RunConfig.Evaluation::perplexity)
        .ifPresent(
            f ->
                Requirements.generator(
                    generator, GeneratorCapability.SCORES, "evaluation.perplexity"));
    for (RunConfig.Limits limits : List.of(config.warnWhen(), config.stopWhen())) {
      limits
          .agreement()
          .ifPresent(
              limit ->
                  Requirements.generator(
                      generator,
                      GeneratorCapability.LOG_PROBABILITIES,
                      "agreement of warn-when or stop-when"));
    }
    checkTrainer(config);
    checkJudge(config);
    Requirements.weights(
        plugins.trainer(config.trainer().name()),
        config.trainer().options(),
        PairingStage.selector(config, plugins),
        config.selector().name());
    config
        .prompts()
        .selfInstruct()
        .ifPresent(
            section -> {
              config.seedPrompts();
              plugins.promptFilters(section.filters(), section::filterSettings);
            });
    dataFiles(config).forEach(f -> BoundedFiles.requireRegular(f, "a run's data"));
    EvaluationStage.prompts(config);
    EvaluationStage.examples(config);
  }

  private void checkTrainer(RunConfig config) {
    TrainerProvider trainer = plugins.trainer(config.trainer().name());
    TrainingOptions preferences = config.preferenceTraining();
    Requirements.training(
        trainer,
        config.trainer().options(),
        preferences.over(TrainingSettings.dpo()),
        preferences.heldOut() > 0,
        "preference-training.");
    config
        .fineTuning()
        .map(RunConfig.FineTuning::training)
        .ifPresent(
            section ->
                Requirements.training(
                    trainer,
                    config.trainer().options(),
                    section.over(TrainingSettings.sft()),
                    section.heldOut() > 0,
                    "fine-tuning.training."));
    Requirements.base(trainer, config.trainer().options(), m0(config));
    trainer.create(
        new TrainerContext(config.compute().trainerSettings(), config.trainer().partOptions()));
  }

  private void checkJudge(RunConfig config) {
    Part part = config.judge().generator().orElse(config.generator());
    boolean scores =
        plugins.generator(part.name()).capabilities().contains(GeneratorCapability.SCORES);
    JudgingStage.openJudge(config, plugins, new Plugins.NoGenerator(scores)).close();
  }

  /** A run's data must be the same when it goes on; a file that was changed since is named. */
  private void pinData(RunConfig config, RunStore store, Cancellation cancellation) {
    JudgeModel.of(config, plugins)
        .ifPresentOrElse(
            judge -> store.verify(judge.in(store.folder()), cancellation),
            () ->
                config
                    .judge()
                    .model()
                    .ifPresent(m -> store.verify("judge.model", m.path(), cancellation)));
    for (Path file : dataFiles(config)) {
      String hash = Provenance.hash(file);
      if (!store.putIfAbsent("sha256 of " + file, hash).equals(hash)) {
        throw new InvalidInputException(
            file
                + ": has changed since the run began; put it back, or begin a new run with another"
                + " --output");
      }
    }
  }

  /** Files that a run reads more than once, and that must stay the same. */
  private List<Path> dataFiles(RunConfig config) {
    List<Path> files = new ArrayList<>();
    config.fineTuning().flatMap(RunConfig.FineTuning::ift).ifPresent(files::add);
    config.fineTuning().flatMap(RunConfig.FineTuning::eft).ifPresent(files::add);
    config.judge().template().ifPresent(files::add);
    config.evaluation().ifPresent(evaluation -> files.addAll(evaluation.files()));
    if (promptSource.isEmpty()) {
      config.prompts().file().ifPresent(files::add);
      config
          .prompts()
          .selfInstruct()
          .ifPresent(
              section -> {
                files.add(config.seedPrompts());
                section.exclude().ifPresent(files::add);
              });
    }
    return files;
  }

  /** Refuses a model that the generator could not open when its turn comes. */
  private void checkModel(RunConfig config, Part generator, Checkpoint model) {
    plugins
        .generator(generator.name())
        .check(
            new GeneratorContext(
                model,
                config.compute().settings(),
                generator.partOptions(),
                Clock.systemDefaultZone(),
                new Cancellation()));
  }

  private Checkpoint m0(RunConfig config) {
    return ModelLocator.checkpoint(
        "M0", config.model().text(), plugins.generator(config.generator().name()));
  }

  /**
   * M0: a reference, a Hugging Face folder where it lies, or a GGUF file imported into the run's
   * folder.
   */
  private void storeM0(RunConfig config, RunStore store) {
    if (store.model("M0").isPresent()) {
      return;
    }
    Checkpoint named = m0(config);
    String source = config.model().text();
    Checkpoint model = named;
    if (!named.isReference()) {
      Path folder = ModelLocator.folder(named.folder(), store.folder().resolve("M0"));
      model = new Checkpoint("M0", folder);
      source = named.folder().getFileName().toString();
      if (!folder.equals(named.folder())) {
        checkModel(config, config.generator(), model); // an imported file can be asked only now
      }
    }
    store.addModel(model, Optional.empty(), Provenance.imported(source));
  }

  /** Builds an engine. Every call is optional. */
  public static final class Builder {
    private final List<Plugin> plugins = new ArrayList<>();
    private final List<RunListener> listeners = new ArrayList<>();
    private Optional<PromptSource> promptSource = Optional.empty();

    private Builder() {}

    /** Adds a plugin to those on the class path. */
    public Builder plugin(Plugin plugin) {
      plugins.add(Objects.requireNonNull(plugin, "plugin"));
      return this;
    }

    /** Adds a listener to those there are. */
    public Builder listener(RunListener listener) {
      listeners.add(Objects.requireNonNull(listener, "listener"));
      return this;
    }

    /** Takes an iteration's prompts from here instead of from {@code prompts.file}. */
    public Builder promptSource(PromptSource source) {
      this.promptSource = Optional.of(Objects.requireNonNull(source, "source"));
      return this;
    }

    public Autodidact build() {
      return new Autodidact(this);
    }
  }
}
