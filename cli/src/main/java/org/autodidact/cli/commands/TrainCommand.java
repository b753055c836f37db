package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidExampleException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainerProvider.TrainerContext;
import org.autodidact.api.TrainingDivergedException;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;
import org.autodidact.cli.options.DeclaredOptions;
import org.autodidact.cli.options.MachineOptions;
import org.autodidact.cli.options.ModelOptions;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.Progress;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.engine.config.DeclaredOption;
import org.autodidact.engine.config.TrainingOptions;
import org.autodidact.engine.data.Examples;
import org.autodidact.engine.data.JsonLines;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.plugins.Requirements;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.Spec;

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
              + " LLaMA-Factory read them (docs/data.md).",
      mixinStandardHelpOptions = true,
      modelTransformer = DeclaredOptions.Sft.class)
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
              + " axolotl and LLaMA-Factory read them (docs/data.md), and"
              + " \"consistency\" in [0, 1] where it is not sure which is the better (CREAM; 1 if left"
              + " out).",
      mixinStandardHelpOptions = true,
      modelTransformer = DeclaredOptions.Dpo.class)
  static final class Dpo implements Callable<Integer> {
    @Mixin private TrainOptions options;

    @Override
    public Integer call() {
      return options.train(TrainingSettings.dpo(), Examples::preference);
    }
  }

  /** The options of both, beside those that the training settings declare. */
  static final class TrainOptions {
    @Spec(Spec.Target.MIXEE)
    private CommandSpec command;

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
        names = "--lora-merge",
        description = "the output is a whole model with the adapter added to its weights")
    private boolean loraMerge;

    @Option(names = "--seed", defaultValue = "1", description = "default: ${DEFAULT-VALUE}")
    private long seed;

    @Option(
        names = "--trainer",
        defaultValue = "djl-pytorch",
        description = "default: ${DEFAULT-VALUE}")
    private String trainer;

    @Option(
        names = "--trainer-option",
        paramLabel = "KEY=VALUE",
        description = "an option of the trainer; 'plugins' lists them")
    private Map<String, String> options = new LinkedHashMap<>();

    @Mixin private JsonReport report;

    int train(TrainingSettings defaults, JsonLines.LineReader<TrainingExample> reader) {
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
              settings(defaults),
              seed,
              new Checkpoint(folder.getFileName().toString(), folder),
              folder.resolveSibling(folder.getFileName() + ".state"));
      TrainerProvider provider = Plugins.discover(List.of()).trainer(trainer);
      Requirements.options("--trainer-option", provider, options);
      Requirements.training(provider, options, request.settings(), heldOut != null, "--");
      Trainer opened =
          provider.create(
              new TrainerContext(machine.settings(precision, 0), PartOptions.of(options)));
      Progress progress = new Progress();
      report.startWork();
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
      double seconds = report.seconds();
      progress.finish();
      long tokens = now.stream().mapToLong(TrainingMetrics::tokens).sum();
      int steps = result.metrics().size();
      int before = steps - now.size();
      TrainingMetrics last = result.metrics().get(steps - 1);
      report
          .work(tokens)
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
                  result.checkpoint().location()));
      return 0;
    }

    private TrainingSettings settings(TrainingSettings defaults) {
      List<DeclaredOption> declared =
          TrainingOptions.all().stream()
              .filter(o -> o.record() != TrainingOptions.HeldOut.class)
              .toList();
      TrainingSettings settings =
          new TrainingOptions(DeclaredOptions.values(command, declared, DeclaredOption::key))
              .over(defaults, loraMerge);
      if (loraMerge && settings.lora().isEmpty()) {
        throw new InvalidInputException(
            "--lora-merge merges an adapter, and without --lora-rank there is none: set it, or leave"
                + " --lora-merge out");
      }
      if (settings.loss().equals(TrainingSettings.Loss.SFT)
          && !defaults.loss().equals(settings.loss())) {
        throw new InvalidInputException(
            "--loss: sft has no pairs; 'train sft' trains on answers, and --sft-weight adds them to"
                + " a loss of pairs");
      }
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
