package org.autodidact.engine.config;

import com.fasterxml.jackson.annotation.JsonValue;
import java.util.ArrayList;
import java.util.Collection;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Setting;
import org.autodidact.api.Settings;
import org.autodidact.api.TrainingSettings;
import org.autodidact.api.TrainingSettings.Lora;
import org.autodidact.api.TrainingSettings.LossParameters;
import org.autodidact.checkpoints.files.Warnings;

/**
 * The options of a training that a section of the configuration, or a command line, sets; those
 * that it does not set have the paper's value for their stage. An option is declared once, as a
 * {@link Setting} in {@link TrainingSettings}: its key in YAML, its option of {@code train}, its
 * check and its line of docs/configuration.md come from there.
 *
 * @param values by key
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record TrainingOptions(@JsonValue SortedMap<String, Object> values) {
  private static final String HELD_OUT = "held-out";

  private static final Map<String, DeclaredOption> OPTIONS =
      Stream.of(
              DeclaredOption.of(TrainingSettings.class, ""),
              DeclaredOption.of(LossParameters.class, ""),
              DeclaredOption.of(Lora.class, Lora.KEY_PREFIX),
              DeclaredOption.of(HeldOut.class, ""))
          .flatMap(List::stream)
          .collect(
              Collectors.toMap(
                  DeclaredOption::key, option -> option, (a, b) -> a, LinkedHashMap::new));

  /** Numbers of one loss, by key. */
  private static final Map<String, TrainingSettings.Loss> READ_BY =
      Map.of("label-smoothing", TrainingSettings.Loss.CDPO, "gamma", TrainingSettings.Loss.SIMPO);

  /** The option of a section that is not the trainer's. */
  public record HeldOut(
      @Setting(value = "share of the examples that is only evaluated", range = "[0, 1)")
          double heldOut) {}

  public TrainingOptions {
    SortedMap<String, Object> all = new TreeMap<>(values);
    all.putIfAbsent(HELD_OUT, 0.0);
    all.forEach(
        (key, value) -> {
          if (value instanceof Number number) {
            Settings.check("the key '" + key + "'", OPTIONS.get(key).setting(), number);
          }
        });
    values = Collections.unmodifiableSortedMap(all);
  }

  /** All options, in the order of their declaration. */
  public static Collection<DeclaredOption> all() {
    return OPTIONS.values();
  }

  /** The value of an option that is not set, in words. */
  public static String defaultText(DeclaredOption option, TrainingSettings defaults) {
    Record part =
        option.record() == TrainingSettings.class
            ? defaults
            : option.record() == LossParameters.class ? defaults.lossParameters() : new HeldOut(0);
    return option.defaultText(part);
  }

  /** The share of the examples that is only evaluated. */
  public double heldOut() {
    return (double) values.get(HELD_OUT);
  }

  /**
   * The trainer's settings, over the defaults of the stage; of an adapter the whole model, which
   * the next iterate has to be.
   */
  public TrainingSettings over(TrainingSettings defaults) {
    return over(defaults, true);
  }

  /** The trainer's settings; {@code merge} as in {@link Lora}. */
  public TrainingSettings over(TrainingSettings defaults, boolean merge) {
    TrainingSettings.Builder settings = defaults.toBuilder();
    double rate = values.get("learning-rate") instanceof Double set ? set : defaults.learningRate();
    settings.learningRate(rate, rate * (defaults.finalLearningRate() / defaults.learningRate()));
    set(TrainingSettings.class).forEach(settings::set);
    settings.lossParameters(with(defaults.lossParameters()));
    Map<String, Object> lora = set(Lora.class);
    if (lora.get("rank") instanceof Integer rank) {
      Map<String, Object> adapter = new LinkedHashMap<>(Settings.values(Lora.rank(rank)));
      adapter.putAll(lora);
      adapter.put("merge", merge);
      settings.lora(Settings.create(Lora.class, adapter));
    } else if (lora.values().stream().anyMatch(v -> !v.equals(0.0) && !v.equals(false))) {
      List<String> keys = new ArrayList<>(OPTIONS.keySet());
      keys.removeIf(key -> OPTIONS.get(key).record() != Lora.class || key.equals("lora-rank"));
      throw new InvalidInputException(
          String.join(", ", keys)
              + " are an adapter's, and without lora-rank there is none: set lora-rank, or leave"
              + " them out");
    }
    TrainingSettings built = settings.build();
    READ_BY.forEach(
        (key, loss) -> {
          if (values.containsKey(key) && !built.loss().equals(loss)) {
            Warnings.once(
                key
                    + " is read by the loss "
                    + loss
                    + " only; the loss is "
                    + built.loss()
                    + ", so it changes nothing");
          }
        });
    return built;
  }

  private LossParameters with(LossParameters defaults) {
    Map<String, Object> all = new LinkedHashMap<>(Settings.values(defaults));
    all.putAll(set(LossParameters.class));
    return Settings.create(LossParameters.class, all);
  }

  /** The values that are set of one record, by component. */
  private Map<String, Object> set(Class<? extends Record> record) {
    Map<String, Object> set = new LinkedHashMap<>();
    values.forEach(
        (key, value) -> {
          DeclaredOption option = OPTIONS.get(key);
          if (option.record() == record) {
            set.put(option.component(), value);
          }
        });
    return set;
  }
}
