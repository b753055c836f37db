package org.autodidact.cli.options;

import java.lang.reflect.ParameterizedType;
import java.util.Collection;
import java.util.List;
import java.util.TreeMap;
import java.util.function.Function;
import org.autodidact.api.TrainingSettings;
import org.autodidact.engine.config.DeclaredOption;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.config.TrainingOptions;
import org.autodidact.engine.text.EnumNames;
import picocli.CommandLine.IModelTransformer;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Model.OptionSpec;

/** Gives a command an option for each {@linkplain DeclaredOption declared option}. */
public abstract class DeclaredOptions implements IModelTransformer {
  private final Collection<DeclaredOption> options;
  private final Function<DeclaredOption, String> defaults;

  private DeclaredOptions(
      Collection<DeclaredOption> options, Function<DeclaredOption, String> defaults) {
    this.options = options;
    this.defaults = defaults;
  }

  /** The options of {@code train dpo}; held-out examples are a file of their own. */
  public static class Dpo extends DeclaredOptions {
    public Dpo() {
      this(TrainingSettings.dpo(), true);
    }

    private Dpo(TrainingSettings defaults, boolean choosesLoss) {
      super(
          TrainingOptions.all().stream()
              .filter(o -> o.record() != TrainingOptions.HeldOut.class)
              .filter(o -> choosesLoss || !isOfLoss(o))
              .toList(),
          option -> TrainingOptions.defaultText(option, defaults));
    }

    private static boolean isOfLoss(DeclaredOption option) {
      return option.key().equals("loss")
          || option.record() == TrainingSettings.LossParameters.class;
    }
  }

  /** The options of {@code train sft}. */
  public static final class Sft extends Dpo {
    public Sft() {
      super(TrainingSettings.sft(), false);
    }
  }

  /** The options of {@code prompts create}. */
  public static final class Prompts extends DeclaredOptions {
    public Prompts() {
      super(
          DeclaredOption.of(RunConfig.SelfInstructSettings.class, ""),
          option -> option.setting().byDefault());
    }
  }

  @Override
  public CommandSpec transform(CommandSpec command) {
    options.forEach(option -> command.addOption(spec(option)));
    return command;
  }

  private OptionSpec spec(DeclaredOption option) {
    String constants = String.join(", ", option.constants());
    OptionSpec.Builder spec =
        OptionSpec.builder("--" + option.key())
            .description(
                option.setting().value()
                    + (constants.isEmpty() ? " (" : " (" + constants + "; ")
                    + "default: "
                    + defaults.apply(option)
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

  /**
   * The values that a parsed command line sets.
   *
   * @param nameOf their names in the result
   */
  public static TreeMap<String, Object> values(
      CommandSpec command,
      Collection<DeclaredOption> options,
      Function<DeclaredOption, String> nameOf) {
    TreeMap<String, Object> values = new TreeMap<>();
    for (DeclaredOption option : options) {
      OptionSpec spec = command.findOption("--" + option.key());
      if (spec != null && spec.getValue() != null) {
        values.put(nameOf.apply(option), value(option, spec.getValue()));
      }
    }
    return values;
  }

  private static Object value(DeclaredOption option, Object value) {
    return !option.constants().isEmpty()
        ? EnumNames.constant("--" + option.key(), (Class<?>) option.type(), (String) value)
        : value;
  }
}
