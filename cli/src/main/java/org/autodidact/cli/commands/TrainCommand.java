package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidExampleException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainingDivergedException;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;
import org.autodidact.cli.options.MachineOptions;
import org.autodidact.cli.options.ModelOptions;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.Progress;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.data.Examples;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.text.EnumNames;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "train",
    description = "Trains a model on a file of examples.",
    mixinStandardHelpOptions = true,
    subcommands = {TrainCommand.Sft.class, TrainCommand.Dpo.class})
public final class TrainCommand {

  @Command(
      name = "sft",
      description =
          "Supervised fine-tuning: {\"messages\"} or {\"prompt\", \"response\"} a line, or as TRL, axolotl and"
              + " LLaMA-Factory read them (docs/configuration.md, Data).",
      mixinStandardHelpOptions = true)
  static final class Sft implements Callable<Integer> {
    @Mixin private TrainOptions options;

    @Override
    public Integer call() {
      return options.train(TrainingSettings.sft(), Examples::demonstration);
    }
  }

  @Command(
      name = "dpo",
      description =
          "Preference optimization: {\"prompt\" or \"messages\", \"chosen\", \"rejected\"} a line, or as TRL,"
              + " axolotl and LLaMA-Factory read them (docs/configuration.md, Data), and"
              + " \"consistency\" in [0, 1] where it is not sure which is the better (CREAM; 1 if left"
              + " out).",
      mixinStandardHelpOptions = true)
  static final class Dpo implements Callable<Integer> {
    @Mixin private TrainOptions options;

    @Option(
        names = "--loss",
        defaultValue = "sigmoid",
        description = "sigmoid, sigmoid-norm, cdpo, ipo, simpo or hinge; default: ${DEFAULT-VALUE}")
    private String loss;

    @Option(names = "--beta", defaultValue = "0.1", description = "default: ${DEFAULT-VALUE}")
    private double beta;

    @Option(
        names = "--label-smoothing",
        defaultValue = "0.1",
        description = "of the loss cdpo; default: ${DEFAULT-VALUE}")
    private double labelSmoothing;

    @Option(
        names = "--gamma",
        defaultValue = "0.5",
        description = "margin of the loss simpo; default: ${DEFAULT-VALUE}")
    private double gamma;

    @Option(
        names = "--sft-weight",
        defaultValue = "0",
        description = "adds so much cross-entropy of the chosen answer (RPO); default: 0")
    private double sftWeight;

    @Override
    public Integer call() {
      TrainingSettings.Loss chosen = EnumNames.oneOf("--loss", TrainingSettings.Loss.class, loss);
      if (chosen == TrainingSettings.Loss.SFT) {
        throw new InvalidInputException(
            "--loss: sft has no pairs; 'train sft' learns from answers, and --sft-weight adds them to"
                + " a loss of pairs");
      }
      return options.train(
          TrainingSettings.dpo().toBuilder()
              .loss(chosen)
              .lossParameters(
                  new TrainingSettings.LossParameters(beta, labelSmoothing, gamma, sftWeight))
              .build(),
          Examples::preference);
    }
  }

  /** What both have in common. */
  static final class TrainOptions {
    @Option(
        names = "--model",
        required = true,
        paramLabel = "M",
        description = "a Hugging Face folder, or a GGUF file (imported once into the cache)")
    private Path model;

    @Option(
        names = "--precision",
        defaultValue = "fp32",
        paramLabel = "P",
        description =
            "fp32 (default), or bf16: products in 16 bits, weights in 32, faster where the processor"
                + " has instructions for it ('doctor' says so)")
    private String precision;

    @Mixin private MachineOptions machine;

    @Option(
        names = "--data",
        required = true,
        paramLabel = "IN.jsonl",
        description = "the examples")
    private Path data;

    @Option(
        names = "--output",
        required = true,
        paramLabel = "DIR",
        description =
            "the new model's folder; DIR.state beside it keeps what a killed training resumes from, and"
                + " metrics.jsonl, a line a step as it is done")
    private Path output;

    @Option(
        names = "--held-out",
        paramLabel = "IN.jsonl",
        description = "examples that are only evaluated")
    private Path heldOut;

    @Option(
        names = "--optimizer",
        defaultValue = "adamw",
        description =
            "adamw (default), or adafactor, which keeps next to nothing of gradients past")
    private String optimizer;

    @Option(names = "--learning-rate", description = "the highest rate (default: the paper's)")
    private Double learningRate;

    @Option(
        names = "--final-learning-rate",
        description = "where the schedule ends (default: in the paper's proportion)")
    private Double finalLearningRate;

    @Option(names = "--batch-size", description = "examples a step (default: 16)")
    private Integer batchSize;

    @Option(names = "--epochs", description = "default: 1")
    private Integer epochs;

    @Option(names = "--max-length", description = "tokens of prompt and answer (default: 1024)")
    private Integer maxLength;

    @Option(names = "--schedule", description = "constant, linear or cosine (default)")
    private String schedule;

    @Option(names = "--warmup", paramLabel = "STEPS", description = "default: 0")
    private Integer warmup;

    @Option(names = "--weight-decay", description = "default: 0")
    private Double weightDecay;

    @Option(names = "--dropout", description = "default: 0")
    private Double dropout;

    @Option(names = "--max-grad-norm", description = "0: no clipping (default: 1)")
    private Double maxGradNorm;

    @Option(
        names = "--held-out-every",
        paramLabel = "STEPS",
        description =
            "steps between evaluations, the last step is one too; the weights of the lowest held-out"
                + " loss are kept; 0: never (default)")
    private Integer heldOutEvery;

    @Option(
        names = "--patience",
        description = "evaluations without improvement before it stops; 0: never stops (default)")
    private Integer patience;

    @Option(
        names = "--save-every",
        paramLabel = "STEPS",
        description = "steps between saved states (default: 50)")
    private Integer saveEvery;

    @Option(
        names = "--activation-checkpointing",
        description = "compute activations again in the backward pass instead of keeping them")
    private boolean activationCheckpointing;

    @Option(
        names = "--lora-rank",
        description = "train an adapter of this rank; the output is the adapter, as PEFT reads it")
    private Integer loraRank;

    @Option(names = "--lora-alpha", description = "default: twice the rank")
    private Double loraAlpha;

    @Option(names = "--lora-dropout", defaultValue = "0", description = "default: 0")
    private double loraDropout;

    @Option(
        names = "--lora-targets",
        split = ",",
        description = "projections that have an adapter, for example q_proj,v_proj (default: all)")
    private List<String> loraTargets;

    @Option(
        names = "--lora-merge",
        description = "the output is a whole model with the adapter added to its weights")
    private boolean loraMerge;

    @Option(
        names = "--lora-quantized",
        description = "keep the base's layers in 8 bits while the adapter is trained")
    private boolean loraQuantized;

    @Option(names = "--no-shuffle", description = "take the examples in the file's order")
    private boolean noShuffle;

    @Option(names = "--seed", defaultValue = "1", description = "default: ${DEFAULT-VALUE}")
    private long seed;

    @Option(
        names = "--trainer",
        defaultValue = "djl-pytorch",
        description = "default: ${DEFAULT-VALUE}")
    private String trainer;

    @Mixin private JsonReport report;

    int train(TrainingSettings paper, JsonLines.LineReader<TrainingExample> reader) {
      JsonLines.Rows<TrainingExample> examples = JsonLines.rows(data, reader);
      JsonLines.Rows<TrainingExample> evaluated =
          heldOut == null
              ? new JsonLines.Rows<>(data, List.of(), List.of(), false)
              : JsonLines.rows(heldOut, reader);
      Path folder = output.toAbsolutePath().normalize();
      if (folder.getFileName() == null) {
        throw new InvalidInputException(output + ": no model can be written there; name a folder");
      }
      TrainingRequest request =
          new TrainingRequest(
              ModelOptions.checkpoint(model),
              examples.values(),
              evaluated.values(),
              settings(paper),
              seed,
              new Checkpoint(folder.getFileName().toString(), folder),
              folder.resolveSibling(folder.getFileName() + ".state"));
      Trainer opened =
          Plugins.discover(List.of()).trainer(trainer).create(machine.settings(precision, 0));
      Progress progress = new Progress();
      double startup = JsonReport.sinceStart();
      long start = System.nanoTime();
      progress.begin("train", examples.values().size() + " examples");
      List<TrainingMetrics> now = new ArrayList<>();
      TrainingResult result;
      try {
        result =
            SignalHandling.guard(
                c ->
                    opened.train(
                        request,
                        m -> {
                          now.add(m);
                          progress.trained(null, m);
                        },
                        c));
      } catch (CancelledException e) {
        throw new CancelledException("cancelled; the same command goes on from there", e);
      } catch (InvalidExampleException e) {
        throw new InvalidInputException(
            (e.heldOut() ? evaluated : examples).where(e.index()) + ": " + e.what(), e);
      } catch (TrainingDivergedException e) {
        throw e.naming(examples::where);
      }
      double seconds = (System.nanoTime() - start) / 1e9;
      progress.finish();
      long tokens = now.stream().mapToLong(TrainingMetrics::tokens).sum();
      int steps = result.metrics().size();
      int before = steps - now.size();
      TrainingMetrics last = result.metrics().get(steps - 1);
      report
          .work(tokens, seconds, startup)
          .put("steps", steps)
          .put("steps_before", before)
          .put("kept_step", result.keptStep())
          .put("stopped_early", result.stoppedEarly())
          .put("losses", result.metrics().stream().map(m -> m.values().get("loss")).toList())
          .print(
              String.format(
                  Locale.ROOT,
                  "%d steps%s, %d tokens in %.1f s, last loss %.4f; the model%s is in %s",
                  steps,
                  before == 0 ? "" : ", " + before + " of them done before",
                  tokens,
                  seconds,
                  last.value("loss").orElse(Double.NaN),
                  result.keptStep() == steps
                      ? ""
                      : " of step " + result.keptStep() + ", whose held-out loss was the lowest,",
                  output));
      return 0;
    }

    private TrainingSettings settings(TrainingSettings paper) {
      // loss and its terms are in paper already, and held-out is a file
      RunConfig.Training given =
          new RunConfig.Training(
              null,
              null,
              null,
              null,
              null,
              null,
              optimizer,
              learningRate,
              finalLearningRate,
              schedule,
              warmup,
              batchSize,
              epochs,
              maxLength,
              weightDecay,
              maxGradNorm,
              dropout,
              heldOutEvery,
              patience,
              saveEvery,
              activationCheckpointing,
              loraRank,
              loraAlpha,
              loraDropout,
              loraTargets,
              loraQuantized);
      if (loraMerge && loraRank == null) {
        throw new InvalidInputException(
            "--lora-merge merges an adapter, and without --lora-rank there is none: set it, or leave"
                + " --lora-merge out");
      }
      TrainingSettings settings =
          given.over(paper, loraMerge).toBuilder().shuffle(!noShuffle).build();
      boolean evaluates = settings.heldOutEvery() > 0;
      if (evaluates != (heldOut != null) || settings.patience() > 0 && !evaluates) {
        throw new InvalidInputException(
            "--held-out, whose examples are evaluated, and --held-out-every, which says at which"
                + " steps, go together, and --patience needs both: set them, or leave them out");
      }
      return settings;
    }
  }
}
