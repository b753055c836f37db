package org.autodidact.cli.options;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Scorer;
import org.autodidact.api.ShownText;
import org.autodidact.cli.output.TokenCountingGenerator;
import org.autodidact.cli.process.UsageException;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.plugins.Requirements;
import org.autodidact.engine.store.ModelLocator;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Spec;

/** Which model generates, and how. */
public final class ModelOptions {
  @Spec(Spec.Target.MIXEE)
  private CommandSpec command;

  @Option(
      names = "--model",
      paramLabel = "M",
      description =
          "a Hugging Face folder, a GGUF file (imported once into the cache), or a name on the hub"
              + " (OWNER/NAME, downloaded once into its cache); needed but by"
              + " judges with a model of their own")
  private String model;

  @Option(
      names = "--precision",
      defaultValue = "fp32",
      paramLabel = "P",
      description =
          "fp32: the checkpoint's own numbers (default); int8: rotated and rounded, about three times as"
              + " fast; int8-weights: for one prompt at a time where the JVM has no vectors; auto: int8"
              + " for all but small models")
  private String precision;

  @Option(
      names = "--memory",
      defaultValue = "0",
      paramLabel = "MB",
      description =
          "MiB that the key-value cache may take, in 8 bits at most half of the JVM's heap; 0: 2048"
              + " (default)")
  private int memory;

  @Option(
      names = "--generator",
      defaultValue = "onnxruntime",
      description = "default: ${DEFAULT-VALUE}")
  private String generator;

  @Option(
      names = "--generator-option",
      paramLabel = "KEY=VALUE",
      description = "an option of the generator; 'plugins' lists them")
  private Map<String, String> options = new LinkedHashMap<>();

  @Mixin private MachineOptions machine;

  /** The model; a reference where the generator understands what is no file here. */
  public Checkpoint checkpoint(Plugins plugins) {
    requireModel();
    return ModelLocator.isReference(model, plugins.generator(generator))
        ? Checkpoint.reference("model", model)
        : checkpoint(Path.of(model));
  }

  /** A model where it lies; a GGUF file is imported into the cache, one by name downloaded. */
  public static Checkpoint checkpoint(Path model) {
    Path located =
        ModelLocator.located(
            model, line -> System.err.println(ShownText.escaped(line)), new Cancellation());
    return new Checkpoint(
        "model",
        Files.isRegularFile(located)
            ? ImportCache.ofUser().folder(located)
            : ModelLocator.folder(located, located));
  }

  /** The generator that opens the model. */
  public GeneratorProvider generator(Plugins plugins) {
    return plugins.generator(generator);
  }

  /** The model, opened by the generator. */
  public TokenCountingGenerator open(Plugins plugins) {
    return new TokenCountingGenerator(open(plugins, checkpoint(plugins)));
  }

  /** Another model, opened by the same generator. */
  public Generator open(Plugins plugins, Checkpoint checkpoint) {
    GeneratorProvider provider = plugins.generator(generator);
    Requirements.options("--generator-option", provider, options);
    return provider.open(
        new GeneratorContext(
            checkpoint,
            compute(),
            PartOptions.of(options),
            Clock.systemDefaultZone(),
            new Cancellation()));
  }

  /** The model of a judge that may need none: a missing one is reported when it is asked. */
  public TokenCountingGenerator openForJudge(Plugins plugins) {
    plugins.generator(generator);
    if (model != null) {
      return open(plugins);
    }
    return new TokenCountingGenerator(
        new Generator() {
          @Override
          public void generate(
              List<GenerationRequest> requests, Consumer<Generation> results, Cancellation c) {
            requireJudgingModel();
          }

          @Override
          public Optional<Scorer> scorer() {
            requireJudgingModel();
            return Optional.empty();
          }

          @Override
          public void close() {}
        });
  }

  /** Within a judge's call, whose fault it is not. */
  private void requireJudgingModel() {
    try {
      requireModel();
    } catch (ParameterException e) {
      throw new UsageException(e);
    }
  }

  private void requireModel() {
    if (model == null) {
      throw new ParameterException(command.commandLine(), "Missing required option: '--model=M'");
    }
  }

  public ComputeSettings compute() {
    return machine.settings(precision, memory);
  }
}
