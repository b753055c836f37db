package org.autodidact.cli.options;

import java.lang.reflect.ParameterizedType;
import java.util.List;
import java.util.TreeMap;
import java.util.stream.Stream;
import org.autodidact.api.TrainingSettings;
import org.autodidact.engine.config.TrainingOptions;
import org.autodidact.engine.config.TrainingOptions.Option;
import org.autodidact.engine.text.EnumNames;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Gives {@code train} an option for each declared {@linkplain TrainingOptions training option}. */
public abstract class DeclaredTrainingOptions implements IModelTransformer {
  private final TrainingSettings defaults;
  private final boolean ofPairs;

  private DeclaredTrainingOptions(TrainingSettings defaults, boolean ofPairs) {
    this.defaults = defaults;
    this.ofPairs = ofPairs;
  }

  /** The options of {@code train sft}: without a choice of the loss. */
  public static final class Sft extends DeclaredTrainingOptions {
    public Sft() {
      super(TrainingSettings.sft(), false);
    }
  }

  /** The options of {@code train dpo}. */
  public static final class Dpo extends DeclaredTrainingOptions {
    public Dpo() {
      super(TrainingSettings.dpo(), true);
    }
  }

  @Override
  public CommandSpec transform(CommandSpec command) {
    options()
        .filter(option -> ofPairs || !isOfLoss(option))
        .forEach(option -> command.addOption(spec(option)));
    return command;
  }

  /** A share of the examples that is held out is a run's; the command has a file of them. */
  private static Stream<Option> options() {
    return TrainingOptions.all().stream()
        .filter(option -> option.record() != TrainingOptions.HeldOut.class);
  }

  private static boolean isOfLoss(Option option) {
    return option.key().equals("loss") || option.record() == TrainingSettings.LossParameters.class;
  }

  private OptionSpec spec(Option option) {
    String constants = String.join(", ", option.constants());
    OptionSpec.Builder spec =
        OptionSpec.builder("--" + option.key())
            .description(
                option.setting().value()
                    + (constants.isEmpty() ? " (" : " (" + constants + "; ")
                    + "default: "
                    + option.defaultText(defaults)
                    + ")");
    if (option.type() instanceof ParameterizedType) {
      spec.type(List.class).auxiliaryTypes(String.class).splitRegex(",").paramLabel("NAME");
    } else if (option.type() == Boolean.class) {
      spec.type(Boolean.class).negatable(true).fallbackValue("true");
    } else if (!constants.isEmpty()) {
      spec.type(String.class).paramLabel("NAME");
    } else {
      spec.type((Class<?>) option.type()).paramLabel(option.type() == Double.class ? "X" : "N");
    }
    return spec.build();
  }

  /** The options that a parsed command line sets. */
  public static TrainingOptions of(CommandSpec command) {
    TreeMap<String, Object> values = new TreeMap<>();
    options()
        .forEach(
            option -> {
              OptionSpec spec = command.findOption("--" + option.key());
              if (spec != null && spec.getValue() != null) {
                values.put(option.key(), value(option, spec.getValue()));
              }
            });
    return new TrainingOptions(values);
  }

  private static Object value(Option option, Object value) {
    return !option.constants().isEmpty()
        ? EnumNames.constant("--" + option.key(), (Class<?>) option.type(), (String) value)
        : value;
  }
}
