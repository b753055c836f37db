package org.autodidact.engine.config;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.KebabCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.function.UnaryOperator;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.ComputeSettings.Device;
import org.autodidact.api.ComputeSettings.Precision;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PairSelectorProvider.SelectorSettings;
import org.autodidact.api.PartOptions;
import org.autodidact.api.PromptFilterProvider.FilterSettings;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Setting;
import org.autodidact.api.Settings;
import org.autodidact.api.TrainingSettings;
import org.autodidact.engine.prompts.SelfInstruct;

/**
 * Everything that a run depends on. Components are the file's keys in lower case with hyphens;
 * every key is described in docs/configuration.md. What the file leaves out has the paper's value.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
@JsonNaming(KebabCaseStrategy.class)
public record RunConfig(
    ModelName model,
    Long seed,
    Integer iterations,
    Part generator,
    Part trainer,
    Selector selector,
    Optional<FineTuning> fineTuning,
    Prompts prompts,
    Candidates candidates,
    JudgeSection judge,
    TrainingOptions preferenceTraining,
    Strategy strategy,
    Limits warnWhen,
    Limits stopWhen,
    Optional<Evaluation> evaluation,
    Compute compute) {

  public RunConfig {
    model = required("model", model);
    seed = or(seed, 1L);
    iterations = Ranges.whole("iterations", or(iterations, 2), 0, Ranges.ITERATIONS);
    generator = generator.orNamed("generator", "onnxruntime");
    trainer = trainer.orNamed("trainer", "djl-pytorch");
    if (iterations == 0 && fineTuning.isEmpty()) {
      throw new InvalidInputException(
          "the key 'iterations' is 0 and there is no fine-tuning: nothing would be done");
    }
    check(preferenceTraining, fineTuning, candidates, judge, prompts);
  }

  /**
   * This configuration with its models elsewhere, for example where those by name have been
   * downloaded.
   *
   * @param learners those that the generator opens: the run's and self-instruct's
   * @param judges the judge's own
   */
  public RunConfig withModels(UnaryOperator<ModelName> learners, UnaryOperator<ModelName> judges) {
    Prompts otherPrompts =
        Settings.with(
            prompts,
            "selfInstruct",
            prompts.selfInstruct().map(c -> Settings.with(c, "model", c.model().map(learners))));
    JudgeSection otherJudge = Settings.with(judge, "model", judge.model().map(judges));
    return Settings.with(
        Settings.with(Settings.with(this, "model", learners.apply(model)), "prompts", otherPrompts),
        "judge",
        otherJudge);
  }

  /** Checks that need several values, or the records that values are passed on in. */
  private static void check(
      TrainingOptions preferenceTraining,
      Optional<FineTuning> fineTuning,
      Candidates candidates,
      JudgeSection judge,
      Prompts prompts) {
    Ranges.section("preference-training", () -> preferenceTraining.over(TrainingSettings.dpo()));
    fineTuning.ifPresent(
        f ->
            Ranges.section(
                "fine-tuning.training", () -> f.training().over(TrainingSettings.sft())));
    Ranges.section("candidates", candidates::sampling);
    Ranges.section("judge", judge::sampling);
    prompts
        .selfInstruct()
        .ifPresent(
            c ->
                Ranges.section(
                    "prompts.self-instruct",
                    () -> {
                      c.settings();
                      c.filterSettings("");
                    }));
    Ranges.product(
        "prompts.per-iteration", prompts.perIteration(), "candidates.count", candidates.count());
  }

  /** The prompts that people wrote: self-instruct's own, or those of fine-tuning. */
  public Path seedPrompts() {
    return prompts
        .selfInstruct()
        .flatMap(SelfInstructSettings::seeds)
        .or(() -> fineTuning.flatMap(FineTuning::ift))
        .orElseThrow(
            () ->
                new InvalidInputException(
                    "prompts.self-instruct.seeds is missing, and there is no fine-tuning.ift to take"
                        + " the prompts of"));
  }

  /** The pair selector and its settings. */
  @JsonNaming(KebabCaseStrategy.class)
  public record Selector(String name, Double margin, Double tier, Map<String, String> options) {
    public Selector {
      name = or(name, "max-min");
      margin = or(margin, SelectorSettings.DEFAULT.margin());
      tier = or(tier, SelectorSettings.DEFAULT.tier());
      options = options == null ? Map.of() : Map.copyOf(options);
    }

    public SelectorSettings settings(long seed) {
      return new SelectorSettings(margin, tier, seed, PartOptions.of(options));
    }
  }

  /** The base and the pairs of each preference training. */
  @JsonNaming(KebabCaseStrategy.class)
  public record Strategy(Start start, Pairs pairs) {
    public Strategy {
      start = or(start, Start.LAST);
      pairs = or(pairs, Pairs.FRESH);
    }

    /** The model that is trained, and the reference of DPO. */
    public enum Start {
      /** The iterate that made the pairs, as in the paper. */
      LAST,
      /** M1, each time. */
      M1
    }

    /** The pairs that are learned from. */
    public enum Pairs {
      /** This iteration's, as in the paper. */
      FRESH,
      /** This iteration's and all before. */
      CUMULATIVE
    }
  }

  /**
   * How far a run may drift; what is left out has no limit. See {@link
   * org.autodidact.engine.guards.DriftLimits} for what each measures.
   */
  @JsonNaming(KebabCaseStrategy.class)
  public record Limits(
      Optional<Double> scoreInflation,
      Optional<Double> lengthGrowth,
      Optional<Double> selfSimilarity,
      Optional<Double> agreement,
      Optional<Double> parseFailures,
      Optional<Double> namedScores) {
    public Limits {
      scoreInflation.ifPresent(v -> Ranges.number("score-inflation", v, -1e6, 1e6));
      lengthGrowth.ifPresent(v -> Ranges.number("length-growth", v, -1e6, 1e6));
      selfSimilarity.ifPresent(v -> Ranges.number("self-similarity", v, -1e6, 1e6));
      agreement.ifPresent(v -> Ranges.number("agreement", v, -1e6, 1e6));
      parseFailures.ifPresent(v -> Ranges.number("parse-failures", v, -1e6, 1e6));
      namedScores.ifPresent(v -> Ranges.number("named-scores", v, -1e6, 1e6));
      require(selfSimilarity.filter(v -> v >= 1), "self-similarity", "below 1");
      require(agreement.filter(v -> v <= 0), "agreement", "above 0");
      require(parseFailures.filter(v -> v >= 1), "parse-failures", "below 1");
      require(namedScores.filter(v -> v >= 1), "named-scores", "below 1");
    }

    /** Shares are between 0 and 1: a limit that none can be beyond guards nothing. */
    private static void require(Optional<Double> useless, String key, String expected) {
      if (useless.isPresent()) {
        throw new InvalidInputException(
            key
                + " of warn-when or stop-when must be "
                + expected
                + ", as no share is beyond it otherwise; found "
                + useless.get());
      }
    }
  }

  /** The evaluation of each iterate, the last one too, beside its own candidates. */
  public record Evaluation(Optional<Path> perplexity, Optional<Path> prompts) {
    public Evaluation {}

    /** The files that it names. */
    public List<Path> files() {
      return Stream.of(perplexity, prompts).flatMap(Optional::stream).toList();
    }
  }

  /**
   * The first, supervised stage: M0 becomes M1. Without it the loop starts from the model itself.
   */
  @JsonNaming(KebabCaseStrategy.class)
  public record FineTuning(Optional<Path> ift, Optional<Path> eft, TrainingOptions training) {
    public FineTuning {
      if (ift.isEmpty() && eft.isEmpty()) {
        throw new InvalidInputException(
            "fine-tuning needs ift or eft, the path of a JSONL file; leave the whole section out to"
                + " start from the model itself");
      }
    }
  }

  /** The source of an iteration's prompts: a file, a model that creates them, or a plugin's. */
  @JsonNaming(KebabCaseStrategy.class)
  public record Prompts(
      Optional<Path> file,
      Integer perIteration,
      Optional<SelfInstructSettings> selfInstruct,
      Optional<Part> source) {
    public Prompts {
      perIteration = Ranges.whole("prompts.per-iteration", or(perIteration, 64), 1, Ranges.PROMPTS);
      source = source.map(part -> part.orNamed("prompts.source", ""));
      long given = Stream.of(file, selfInstruct, source).filter(Optional::isPresent).count();
      if (given != 1) {
        throw new InvalidInputException(
            "prompts needs one of file, self-instruct and source, found "
                + (given == 0 ? "none" : "several"));
      }
    }
  }

  /** The settings of {@link SelfInstruct}. */
  @JsonNaming(KebabCaseStrategy.class)
  public record SelfInstructSettings(
      Optional<Path> seeds,
      Optional<ModelName> model,
      Optional<Path> exclude,
      @Setting(value = "prompts of people that are shown", byDefault = "6") Integer seedShots,
      @Setting(
              value =
                  "own prompts that are shown; people's replace them as long as there are too few",
              byDefault = "2")
          Integer ownShots,
      @Setting(
              value = "the highest ROUGE-L F1 that a prompt may have with another",
              byDefault = "0.7")
          Double similarity,
      @Setting(value = "temperature at which a prompt is sampled", byDefault = "0.6")
          Double temperature,
      @Setting(value = "top-p at which a prompt is sampled", byDefault = "0.9") Double topP,
      @Setting(value = "tokens of a prompt at most", byDefault = "128") Integer maxTokens,
      @Setting(
              value = "filters by name, in this order; 'plugins' lists them",
              byDefault = "length,keywords")
          List<String> filters,
      Map<String, Map<String, String>> filterOptions,
      @Setting(value = "fewest words, of the filter length", byDefault = "3") Integer minWords,
      @Setting(value = "most words, of the filter length", byDefault = "150") Integer maxWords,
      @Setting(
              value = "words that no prompt has, of the filter keywords",
              byDefault = "image, file, video and so on")
          List<String> keywords,
      @Setting(value = "ISO 639 code, of the filter language", byDefault = "en") String language) {
    /**
     * Words of tasks that a text-only model cannot do (after Wang et al., 2023), separated by
     * commas.
     */
    private static final String KEYWORDS =
        "image,images,picture,pictures,photo,graph,graphs,chart,map,maps,draw,plot,video,videos,audio,"
            + "music,file,files,diagram,flowchart,go to";

    public SelfInstructSettings {
      seedShots = Ranges.whole("seed-shots", or(seedShots, 6), 1, Ranges.SAMPLES);
      ownShots = Ranges.whole("own-shots", or(ownShots, 2), 0, Ranges.SAMPLES);
      similarity = or(similarity, 0.7);
      temperature = or(temperature, 0.6);
      topP = or(topP, 0.9);
      maxTokens = Ranges.whole("max-tokens", or(maxTokens, 128), 1, Ranges.TOKENS);
      filters = Ranges.texts("filters", or(filters, List.of("length", "keywords")), 100, 1_000);
      filterOptions = filterOptions == null ? Map.of() : Map.copyOf(filterOptions);
      if (!filters.containsAll(filterOptions.keySet())) {
        throw new InvalidInputException(
            "filter-options are of " + filterOptions.keySet() + ", the filters are " + filters);
      }
      minWords = Ranges.whole("min-words", or(minWords, 3), 1, Ranges.TOKENS);
      maxWords = Ranges.whole("max-words", or(maxWords, 150), 1, Ranges.TOKENS);
      keywords =
          Ranges.texts("keywords", or(keywords, List.of(KEYWORDS.split(","))), 10_000, 1_000);
      language = or(language, "en");
    }

    /** The settings of {@link SelfInstruct}. */
    public SelfInstruct.Settings settings() {
      return new SelfInstruct.Settings(
          seedShots,
          ownShots,
          similarity,
          new SamplingParameters(maxTokens, temperature, 0, topP, 0, 1, List.of(), false));
    }

    /** The settings of the filter of a name. */
    public FilterSettings filterSettings(String filter) {
      return new FilterSettings(
          minWords,
          maxWords,
          keywords,
          language,
          PartOptions.of(filterOptions.getOrDefault(filter, Map.of())));
    }
  }

  /** The sampling of candidates. */
  @JsonNaming(KebabCaseStrategy.class)
  public record Candidates(
      Integer count,
      Double temperature,
      Double topP,
      Integer topK,
      Integer maxTokens,
      List<String> stop,
      Truncated truncated) {

    public Candidates {
      count = Ranges.whole("candidates.count", or(count, 4), 2, Ranges.SAMPLES);
      temperature = or(temperature, 0.7);
      topP = or(topP, 0.9);
      topK = or(topK, 0);
      maxTokens = Ranges.whole("candidates.max-tokens", or(maxTokens, 512), 1, Ranges.TOKENS);
      stop = Ranges.texts("candidates.stop", or(stop, List.of()), 100, 1_000);
      Ranges.product("candidates.count", count, "candidates.max-tokens", maxTokens);
      truncated = or(truncated, Truncated.KEEP);
    }

    /** The treatment of a candidate that was cut off, at max-tokens or by a full context. */
    public enum Truncated {
      /** It is paired as any other, and learned without an end. */
      KEEP,
      /** It may be rejected, and is not chosen. */
      NEVER_CHOSEN,
      /** It is in no pair. */
      DROP
    }

    public SamplingParameters sampling() {
      return new SamplingParameters(maxTokens, temperature, topK, topP, 0, 1, stop, false);
    }
  }

  /**
   * Who judges, and how. Without {@code generator} and {@code model} the learner judges; with them
   * a model of the judge's own does, which stays as it is.
   */
  @JsonNaming(KebabCaseStrategy.class)
  public record JudgeSection(
      String name,
      List<String> members,
      Integer samples,
      Double temperature,
      Double topP,
      Integer maxTokens,
      Optional<Path> template,
      Optional<ModelName> model,
      Optional<Part> generator,
      Map<String, String> options) {

    public JudgeSection {
      generator = generator.map(part -> part.orNamed("judge.generator", ""));
      options = options == null ? Map.of() : Map.copyOf(options);
      name = or(name, "additive");
      members = Ranges.texts("judge.members", or(members, List.of()), 100, 1_000);
      samples = Ranges.whole("judge.samples", or(samples, 3), 1, Ranges.SAMPLES);
      temperature = or(temperature, 0.7);
      topP = or(topP, 0.9);
      maxTokens = Ranges.whole("judge.max-tokens", or(maxTokens, 256), 1, Ranges.TOKENS);
      Ranges.product("judge.samples", samples, "judge.max-tokens", maxTokens);
    }

    public SamplingParameters sampling() {
      return new SamplingParameters(maxTokens, temperature, 0, topP, 0, 1, List.of(), false);
    }
  }

  /** The resources that the run may use. */
  @JsonNaming(KebabCaseStrategy.class)
  public record Compute(Precision precision, Integer threads, Integer memoryMb, Device device) {
    public Compute {
      precision = or(precision, Precision.AUTO);
      threads = Ranges.whole("compute.threads", or(threads, 0), 0, Ranges.THREADS);
      memoryMb = Ranges.whole("compute.memory-mb", or(memoryMb, 0), 0, Ranges.MEMORY);
      device = or(device, Device.AUTO);
    }

    /** The settings of the generator. */
    public ComputeSettings settings() {
      return new ComputeSettings(precision, threads, memoryMb, device);
    }

    /** The settings of the trainer, which has no integer arithmetic: 8 bits mean its own choice. */
    public ComputeSettings trainerSettings() {
      boolean integers =
          precision.equals(Precision.INT8) || precision.equals(Precision.INT8_WEIGHTS);
      return new ComputeSettings(integers ? Precision.AUTO : precision, threads, memoryMb, device);
    }
  }

  /**
   * A builder for hosts without a configuration file. Its keys, checks and errors are the file's.
   *
   * <pre>{@code
   * RunConfig config =
   *     RunConfig.builder()
   *         .set("model", Path.of("smollm2"))
   *         .set("prompts.file", Path.of("prompts.jsonl"))
   *         .set("preference-training.learning-rate", 1e-6)
   *         .build();
   * }</pre>
   */
  public static Builder builder() {
    return new Builder();
  }

  /** Not thread-safe. */
  public static final class Builder {
    private final Map<String, Object> values = new LinkedHashMap<>();

    private Builder() {}

    /**
     * Sets the value of a key.
     *
     * @param key dotted, as in docs/configuration.md
     * @param value a text, number, truth value, {@link Path}, enum constant, or a list of texts
     */
    public Builder set(String key, Object value) {
      if (value == null || value instanceof Optional) {
        throw new InvalidInputException(
            "the key '" + key + "' needs a value, found " + value + "; leave out what is not set");
      }
      values.put(key, value);
      return this;
    }

    /**
     * @throws InvalidInputException for an unknown key, or a value that it cannot have
     */
    public RunConfig build() {
      return ConfigFile.of(values);
    }
  }

  private static <T> T or(T value, T otherwise) {
    return value == null ? otherwise : value;
  }

  private static <T> T required(String key, T value) {
    if (value == null) {
      throw new InvalidInputException("the key '" + key + "' is missing; it has no default");
    }
    return Objects.requireNonNull(value);
  }
}
