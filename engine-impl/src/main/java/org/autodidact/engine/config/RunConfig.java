package org.autodidact.engine.config;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.KebabCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.stream.Stream;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PairSelectorProvider.SelectorSettings;
import org.autodidact.api.PromptFilterProvider.FilterSettings;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.TrainingSettings;
import org.autodidact.engine.prompts.SelfInstruct;
import org.autodidact.engine.text.EnumNames;

/**
 * Everything that a run depends on. Components are the file's keys in lower case with hyphens;
 * every key is described in docs/configuration.md. What the file leaves out has the paper's value.
 */
@JsonNaming(KebabCaseStrategy.class)
public record RunConfig(
    String model,
    Long seed,
    Integer iterations,
    String generator,
    String trainer,
    Selector selector,
    Optional<FineTuning> fineTuning,
    Prompts prompts,
    Candidates candidates,
    JudgeSection judge,
    Training preferenceTraining,
    Strategy strategy,
    Limits warnWhen,
    Limits stopWhen,
    Optional<Evaluation> evaluation,
    Compute compute) {

  public RunConfig {
    model = required("model", model);
    seed = or(seed, 1L);
    iterations = Ranges.whole("iterations", or(iterations, 2), 0, Ranges.ITERATIONS);
    generator = or(generator, "onnxruntime");
    trainer = or(trainer, "djl-pytorch");
    selector = or(selector, new Selector(null, null, null));
    fineTuning = or(fineTuning, Optional.empty());
    prompts = required("prompts", prompts);
    candidates = or(candidates, new Candidates(null, null, null, null, null, null, null));
    judge = or(judge, new JudgeSection(null, null, null, null, null, null, null, null));
    preferenceTraining = or(preferenceTraining, Training.DEFAULTS);
    strategy = or(strategy, new Strategy(null, null));
    warnWhen = or(warnWhen, new Limits(null, null, null, null, null, null));
    stopWhen = or(stopWhen, new Limits(null, null, null, null, null, null));
    evaluation = or(evaluation, Optional.empty());
    compute = or(compute, new Compute(null, null, null, null));
    if (iterations == 0 && fineTuning.isEmpty()) {
      throw new InvalidInputException(
          "the key 'iterations' is 0 and there is no fine-tuning: nothing would be done");
    }
    check(preferenceTraining, fineTuning, candidates, judge, prompts, compute);
  }

  /** Numbers that are held against each other, or by the records that they are handed over in. */
  private static void check(
      Training preferenceTraining,
      Optional<FineTuning> fineTuning,
      Candidates candidates,
      JudgeSection judge,
      Prompts prompts,
      Compute compute) {
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
                      c.filterSettings();
                    }));
    Ranges.section("compute", compute::settings);
    Ranges.product(
        "prompts.per-iteration", prompts.perIteration(), "candidates.count", candidates.count());
  }

  /** The prompts that people wrote: self-instruct's own, or those of fine-tuning. */
  public String seedPrompts() {
    return prompts
        .selfInstruct()
        .flatMap(Creation::seeds)
        .or(() -> fineTuning.flatMap(FineTuning::ift))
        .orElseThrow(
            () ->
                new InvalidInputException(
                    "prompts.self-instruct.seeds is missing, and there is no fine-tuning.ift to take"
                        + " the prompts of"));
  }

  /** How judged candidates become pairs. */
  @JsonNaming(KebabCaseStrategy.class)
  public record Selector(String name, Double margin, Double tier) {
    public Selector {
      name = or(name, "max-min");
      margin = or(margin, SelectorSettings.DEFAULT.margin());
      tier = or(tier, SelectorSettings.DEFAULT.tier());
    }

    public SelectorSettings settings(long seed) {
      return new SelectorSettings(margin, tier, seed);
    }
  }

  /** Where each preference training starts, and what it learns from. */
  @JsonNaming(KebabCaseStrategy.class)
  public record Strategy(String start, String pairs) {
    public Strategy {
      start = or(start, "last");
      pairs = or(pairs, "fresh");
      EnumNames.oneOf("strategy.start", Start.class, start);
      EnumNames.oneOf("strategy.pairs", Pairs.class, pairs);
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

    public boolean fromM1() {
      return EnumNames.oneOf("strategy.start", Start.class, start) == Start.M1;
    }

    public boolean cumulative() {
      return EnumNames.oneOf("strategy.pairs", Pairs.class, pairs) == Pairs.CUMULATIVE;
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
      scoreInflation = or(scoreInflation, Optional.empty());
      lengthGrowth = or(lengthGrowth, Optional.empty());
      selfSimilarity = or(selfSimilarity, Optional.empty());
      agreement = or(agreement, Optional.empty());
      parseFailures = or(parseFailures, Optional.empty());
      namedScores = or(namedScores, Optional.empty());
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

  /** What each iterate, the last one too, is measured by besides what it writes for the run. */
  public record Evaluation(Optional<String> perplexity, Optional<String> prompts) {
    public Evaluation {
      perplexity = or(perplexity, Optional.empty());
      prompts = or(prompts, Optional.empty());
    }

    /** The files that it names. */
    public List<String> files() {
      return Stream.of(perplexity, prompts).flatMap(Optional::stream).toList();
    }
  }

  /**
   * The first, supervised stage: M0 becomes M1. Without it the loop starts from the model itself.
   */
  @JsonNaming(KebabCaseStrategy.class)
  public record FineTuning(Optional<String> ift, Optional<String> eft, Training training) {
    public FineTuning {
      ift = or(ift, Optional.empty());
      eft = or(eft, Optional.empty());
      if (ift.isEmpty() && eft.isEmpty()) {
        throw new InvalidInputException(
            "fine-tuning needs ift or eft, the path of a JSONL file; leave the whole section out to"
                + " start from the model itself");
      }
      training = or(training, Training.DEFAULTS);
    }
  }

  /** Where an iteration's prompts come from: a file, or a model that makes them. */
  @JsonNaming(KebabCaseStrategy.class)
  public record Prompts(
      Optional<String> file, Integer perIteration, Optional<Creation> selfInstruct) {
    public Prompts {
      file = or(file, Optional.empty());
      selfInstruct = or(selfInstruct, Optional.empty());
      perIteration = Ranges.whole("prompts.per-iteration", or(perIteration, 64), 1, Ranges.PROMPTS);
      if (file.isPresent() == selfInstruct.isPresent()) {
        throw new InvalidInputException(
            "prompts needs one of file and self-instruct, found "
                + (file.isPresent() ? "both" : "neither"));
      }
    }
  }

  /** How a model makes prompts; see {@link SelfInstruct}. */
  @JsonNaming(KebabCaseStrategy.class)
  public record Creation(
      Optional<String> seeds,
      Optional<String> model,
      Optional<String> exclude,
      Integer seedShots,
      Integer ownShots,
      Double similarity,
      Double temperature,
      Double topP,
      Integer maxTokens,
      List<String> filters,
      Integer minWords,
      Integer maxWords,
      List<String> keywords,
      String language) {
    /** What a model without eyes, ears and files cannot deal with (after Wang et al., 2023). */
    private static final List<String> KEYWORDS =
        List.of(
            "image",
            "images",
            "picture",
            "pictures",
            "photo",
            "graph",
            "graphs",
            "chart",
            "map",
            "maps",
            "draw",
            "plot",
            "video",
            "videos",
            "audio",
            "music",
            "file",
            "files",
            "diagram",
            "flowchart",
            "go to");

    public Creation {
      seeds = or(seeds, Optional.empty());
      model = or(model, Optional.empty());
      exclude = or(exclude, Optional.empty());
      seedShots = Ranges.whole("seed-shots", or(seedShots, 6), 1, Ranges.SAMPLES);
      ownShots = Ranges.whole("own-shots", or(ownShots, 2), 0, Ranges.SAMPLES);
      similarity = or(similarity, 0.7);
      temperature = or(temperature, 0.6);
      topP = or(topP, 0.9);
      maxTokens = Ranges.whole("max-tokens", or(maxTokens, 128), 1, Ranges.TOKENS);
      filters = Ranges.texts("filters", or(filters, List.of("length", "keywords")), 100, 1_000);
      minWords = Ranges.whole("min-words", or(minWords, 3), 1, Ranges.TOKENS);
      maxWords = Ranges.whole("max-words", or(maxWords, 150), 1, Ranges.TOKENS);
      keywords = Ranges.texts("keywords", or(keywords, KEYWORDS), 10_000, 1_000);
      language = or(language, "en");
    }

    /** What {@link SelfInstruct} is told. */
    public SelfInstruct.Settings settings() {
      return new SelfInstruct.Settings(
          seedShots,
          ownShots,
          similarity,
          new SamplingParameters(maxTokens, temperature, 0, topP, 0, 1, List.of(), false));
    }

    public FilterSettings filterSettings() {
      return new FilterSettings(minWords, maxWords, keywords, language);
    }
  }

  /** How candidates are drawn. */
  @JsonNaming(KebabCaseStrategy.class)
  public record Candidates(
      Integer count,
      Double temperature,
      Double topP,
      Integer topK,
      Integer maxTokens,
      List<String> stop,
      String truncated) {

    public Candidates {
      count = Ranges.whole("candidates.count", or(count, 4), 2, Ranges.SAMPLES);
      temperature = or(temperature, 0.7);
      topP = or(topP, 0.9);
      topK = or(topK, 0);
      maxTokens = Ranges.whole("candidates.max-tokens", or(maxTokens, 512), 1, Ranges.TOKENS);
      stop = Ranges.texts("candidates.stop", or(stop, List.of()), 100, 1_000);
      Ranges.product("candidates.count", count, "candidates.max-tokens", maxTokens);
      truncated = or(truncated, "keep");
      EnumNames.oneOf("candidates.truncated", Truncated.class, truncated);
    }

    /** What becomes of a candidate that was cut off, at max-tokens or where the context is full. */
    public enum Truncated {
      /** It is paired as any other, and learned without an end. */
      KEEP,
      /** It may be rejected, and is not chosen. */
      NEVER_CHOSEN,
      /** It is in no pair. */
      DROP
    }

    public Truncated whenTruncated() {
      return EnumNames.oneOf("candidates.truncated", Truncated.class, truncated);
    }

    public SamplingParameters sampling() {
      return new SamplingParameters(maxTokens, temperature, topK, topP, 0, 1, stop, false);
    }
  }

  /** Who judges, and how. */
  @JsonNaming(KebabCaseStrategy.class)
  public record JudgeSection(
      String name,
      List<String> members,
      Integer samples,
      Double temperature,
      Double topP,
      Integer maxTokens,
      Optional<String> template,
      Optional<String> model) {

    public JudgeSection {
      name = or(name, "additive");
      members = Ranges.texts("judge.members", or(members, List.of()), 100, 1_000);
      samples = Ranges.whole("judge.samples", or(samples, 3), 1, Ranges.SAMPLES);
      temperature = or(temperature, 0.7);
      topP = or(topP, 0.9);
      maxTokens = Ranges.whole("judge.max-tokens", or(maxTokens, 256), 1, Ranges.TOKENS);
      Ranges.product("judge.samples", samples, "judge.max-tokens", maxTokens);
      template = or(template, Optional.empty());
      model = or(model, Optional.empty());
    }

    public SamplingParameters sampling() {
      return new SamplingParameters(maxTokens, temperature, 0, topP, 0, 1, List.of(), false);
    }
  }

  /** How a model is trained; what is left out has the paper's value for its stage. */
  @JsonNaming(KebabCaseStrategy.class)
  public record Training(
      String loss,
      Double beta,
      Double labelSmoothing,
      Double gamma,
      Double sftWeight,
      Double heldOut,
      String optimizer,
      Double learningRate,
      Double finalLearningRate,
      String schedule,
      Integer warmupSteps,
      Integer batchSize,
      Integer epochs,
      Integer maxLength,
      Double weightDecay,
      Double maxGradientNorm,
      Double dropout,
      Integer heldOutEvery,
      Integer patience,
      Integer saveEvery,
      Boolean activationCheckpointing,
      Integer loraRank,
      Double loraAlpha,
      Double loraDropout,
      List<String> loraTargets,
      Boolean loraQuantized) {

    private static final Training DEFAULTS =
        new Training(
            null, null, null, null, null, null, null, null, null, null, null, null, null, null,
            null, null, null, null, null, null, null, null, null, null, null, null);

    public Training {
      heldOut = or(heldOut, 0.0);
      if (!(heldOut >= 0 && heldOut < 1)) {
        throw new InvalidInputException(
            "held-out must be a share of the examples, at least 0 and below 1, found " + heldOut);
      }
      Ranges.number("beta", beta, 0, 1e6);
      Ranges.number("gamma", gamma, 0, 1e6);
      Ranges.number("sft-weight", sftWeight, 0, 1e6);
      Ranges.number("weight-decay", weightDecay, 0, 1e3);
      Ranges.number("max-gradient-norm", maxGradientNorm, 0, 1e9);
      Ranges.number("lora-alpha", loraAlpha, 0, 1e6);
      Ranges.whole("warmup-steps", warmupSteps, 0, Ranges.STEPS);
      Ranges.whole("batch-size", batchSize, 1, Ranges.BATCH);
      Ranges.whole("epochs", epochs, 1, Ranges.EPOCHS);
      Ranges.whole("max-length", maxLength, 2, Ranges.TOKENS);
      Ranges.whole("held-out-every", heldOutEvery, 0, Ranges.STEPS);
      Ranges.whole("patience", patience, 0, Ranges.STEPS);
      Ranges.whole("save-every", saveEvery, 0, Ranges.STEPS);
      Ranges.whole("lora-rank", loraRank, 1, 1 << 16);
    }

    /**
     * The trainer's settings, over the stage's defaults; of an adapter the whole model, which the
     * next iterate has to be.
     */
    public TrainingSettings over(TrainingSettings paper) {
      return over(paper, true);
    }

    /** The same; {@code merge} as in {@link TrainingSettings.Lora}. */
    public TrainingSettings over(TrainingSettings paper, boolean merge) {
      double rate = or(learningRate, paper.learningRate());
      TrainingSettings.Builder settings =
          paper.toBuilder()
              .loss(
                  loss == null
                      ? paper.loss()
                      : EnumNames.oneOf("loss", TrainingSettings.Loss.class, loss))
              .lossParameters(
                  new TrainingSettings.LossParameters(
                      or(beta, paper.lossParameters().beta()),
                      or(labelSmoothing, paper.lossParameters().labelSmoothing()),
                      or(gamma, paper.lossParameters().gamma()),
                      or(sftWeight, paper.lossParameters().sftWeight())))
              .optimizer(
                  optimizer == null
                      ? paper.optimizer()
                      : EnumNames.oneOf("optimizer", TrainingSettings.Optimizer.class, optimizer))
              .learningRate(
                  rate,
                  or(finalLearningRate, rate * (paper.finalLearningRate() / paper.learningRate())))
              .schedule(
                  schedule == null
                      ? paper.schedule()
                      : EnumNames.oneOf("schedule", TrainingSettings.Schedule.class, schedule))
              .warmupSteps(or(warmupSteps, paper.warmupSteps()))
              .batchSize(or(batchSize, paper.batchSize()))
              .epochs(or(epochs, paper.epochs()))
              .maxLength(or(maxLength, paper.maxLength()))
              .weightDecay(or(weightDecay, paper.weightDecay()))
              .maxGradientNorm(or(maxGradientNorm, paper.maxGradientNorm()))
              .dropout(or(dropout, paper.dropout()))
              .heldOutEvery(or(heldOutEvery, paper.heldOutEvery()))
              .patience(or(patience, paper.patience()))
              .saveEvery(or(saveEvery, paper.saveEvery()))
              .activationCheckpointing(
                  or(activationCheckpointing, paper.activationCheckpointing()));
      if (loraRank != null) {
        settings.lora(
            new TrainingSettings.Lora(
                loraRank,
                or(loraAlpha, 2.0 * loraRank),
                or(loraDropout, 0.0),
                or(loraTargets, TrainingSettings.Lora.ALL),
                merge,
                or(loraQuantized, false)));
      } else if (loraAlpha != null
          || or(loraDropout, 0.0) != 0
          || loraTargets != null
          || or(loraQuantized, false)) {
        throw new InvalidInputException(
            "lora-alpha, lora-dropout, lora-targets and lora-quantized are an adapter's, and without"
                + " lora-rank there is none: set lora-rank, or leave them out");
      }
      return settings.build();
    }
  }

  /** What the run may use of the machine. */
  @JsonNaming(KebabCaseStrategy.class)
  public record Compute(String precision, Integer threads, Integer memoryMb, String device) {
    public Compute {
      precision = or(precision, "auto");
      threads = Ranges.whole("compute.threads", or(threads, 0), 0, Ranges.THREADS);
      memoryMb = Ranges.whole("compute.memory-mb", or(memoryMb, 0), 0, Ranges.MEMORY);
      device = or(device, "auto");
    }

    /** For generating. */
    public ComputeSettings settings() {
      return new ComputeSettings(
          EnumNames.oneOf("compute.precision", ComputeSettings.Precision.class, precision),
          threads,
          memoryMb,
          EnumNames.oneOf("compute.device", ComputeSettings.Device.class, device));
    }

    /** For training, which knows no integers: there 8 bits mean the trainer's own choice. */
    public ComputeSettings trainerSettings() {
      ComputeSettings s = settings();
      boolean integers =
          s.precision() == ComputeSettings.Precision.INT8
              || s.precision() == ComputeSettings.Precision.INT8_WEIGHTS;
      return integers
          ? new ComputeSettings(ComputeSettings.Precision.AUTO, threads, memoryMb, s.device())
          : s;
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
