package org.autodidact.engine.plugins;

import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PairSelector;
import org.autodidact.api.PartOptions;
import org.autodidact.api.PartProvider;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainerProvider.Feature;
import org.autodidact.api.TrainerProvider.TrainerCapabilities;
import org.autodidact.api.TrainingSettings;
import org.autodidact.api.TrainingSettings.Lora;
import org.autodidact.engine.plugins.rules.PluginCalls;
import org.autodidact.engine.text.EnumNames;
import org.autodidact.engine.text.Suggestions;

/**
 * Holds what is asked of a part against what its provider says that it can do, before any work. A
 * refusal names the part, the key that asks, and what there is.
 *
 * @since 0.2
 */
@API(status = Status.EXPERIMENTAL, since = "0.2")
public final class Requirements {
  private Requirements() {}

  /**
   * Checks the options of a part.
   *
   * @param key of the options in the configuration
   */
  public static void options(String key, PartProvider provider, Map<String, String> options) {
    try {
      PluginCalls.call(
          "'" + provider.name() + "'", () -> PartOptions.of(options).read(provider.optionsType()));
    } catch (InvalidInputException e) {
      throw new InvalidInputException(key + " of '" + provider.name() + "': " + e.getMessage(), e);
    }
  }

  /** Checks that a generator has what a feature of the run needs. */
  public static void generator(
      GeneratorProvider provider, GeneratorCapability capability, String neededBy) {
    if (!provider.capabilities().contains(capability)) {
      throw new InvalidInputException(
          neededBy
              + " needs "
              + EnumNames.of(capability)
              + ", which the generator '"
              + provider.name()
              + "' does not have; it has "
              + names(provider.capabilities()));
    }
  }

  /**
   * Checks that a generator samples as it is asked to.
   *
   * @param prefix of the keys of the sampling, for errors
   */
  public static void sampling(
      GeneratorProvider provider, SamplingParameters sampling, String prefix) {
    if (sampling.topK() > 0) {
      generator(provider, GeneratorCapability.TOP_K, prefix + "top-k");
    }
    if (sampling.minP() > 0) {
      generator(provider, GeneratorCapability.MIN_P, prefix + "min-p");
    }
    if (sampling.ignoreEndOfText()) {
      generator(provider, GeneratorCapability.IGNORE_END_OF_TEXT, prefix + "ignore-eos");
    }
  }

  /**
   * Checks that a trainer can train so.
   *
   * @param options of the trainer, which {@link #options} has checked
   * @param prefix of the keys of the settings, for errors
   * @param heldOut whether examples are held out
   */
  public static void training(
      TrainerProvider provider,
      Map<String, String> options,
      TrainingSettings settings,
      boolean heldOut,
      String prefix) {
    TrainerCapabilities can = provider.capabilities(PartOptions.of(options));
    among(provider, prefix + "loss", settings.loss().name(), names(can.losses()));
    among(provider, prefix + "optimizer", settings.optimizer().name(), names(can.optimizers()));
    List<String> missing = new ArrayList<>();
    require(can, Feature.LORA, settings.lora().isPresent(), "lora-rank", missing);
    require(
        can,
        Feature.QUANTIZED_LORA,
        settings.lora().filter(Lora::quantized).isPresent(),
        "lora-quantized",
        missing);
    require(can, Feature.HELD_OUT, heldOut, "held-out", missing);
    require(
        can,
        Feature.ACTIVATION_CHECKPOINTING,
        settings.activationCheckpointing(),
        "activation-checkpointing",
        missing);
    if (!missing.isEmpty()) {
      throw new InvalidInputException(
          prefix
              + missing.get(0)
              + ": the trainer '"
              + provider.name()
              + "' cannot do that; it can "
              + names(can.features()));
    }
  }

  /** Checks that a trainer trains a model that is no folder. */
  public static void base(TrainerProvider provider, Map<String, String> options, Checkpoint model) {
    if (model.isReference()
        && !provider
            .capabilities(PartOptions.of(options))
            .features()
            .contains(Feature.MODEL_REFERENCES)) {
      throw new InvalidInputException(
          "model: "
              + model.location()
              + " is no folder here, and the trainer '"
              + provider.name()
              + "' trains folders alone; give the model's folder, and the generator its name as an"
              + " option");
    }
  }

  /** Checks that a trainer weighs pairs where the selector does. */
  public static void weights(
      TrainerProvider provider, Map<String, String> options, PairSelector selector, String name) {
    Set<Feature> features = provider.capabilities(PartOptions.of(options)).features();
    if (selector.needs().contains(PairSelector.Need.EARLIER_SCORES)
        && !features.contains(Feature.CONSISTENCY)) {
      throw new InvalidInputException(
          "selector '"
              + name
              + "' weighs pairs by consistency, which the trainer '"
              + provider.name()
              + "' does not; it can "
              + names(features));
    }
  }

  private static void require(
      TrainerCapabilities can, Feature feature, boolean asked, String key, List<String> missing) {
    if (asked && !can.features().contains(feature)) {
      missing.add(key);
    }
  }

  private static void among(TrainerProvider provider, String key, String name, Set<String> known) {
    if (!known.contains(name)) {
      throw new InvalidInputException(
          key
              + ": the trainer '"
              + provider.name()
              + "' has no '"
              + name
              + "'"
              + Suggestions.hint(name, known)
              + "; it has "
              + known);
    }
  }

  private static Set<String> names(Collection<?> values) {
    Set<String> names = new TreeSet<>();
    values.forEach(v -> names.add(v instanceof Enum<?> e ? EnumNames.of(e) : v.toString()));
    return names;
  }
}
