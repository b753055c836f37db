package org.autodidact.external;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Setting;
import org.autodidact.api.Settings;
import org.autodidact.api.ShownText;
import org.autodidact.api.TrainerProvider.Feature;
import org.autodidact.api.TrainerProvider.TrainerCapabilities;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.Optimizer;

/** The command, and what it can do. */
public record ExternalOptions(
    @Setting("the program and its arguments, or a path; started without a shell") String command,
    @Setting(value = "the losses that it knows", byDefault = "sft,sigmoid") List<String> losses,
    @Setting(value = "the optimizers that it knows", byDefault = "adamw") List<String> optimizers,
    @Setting(
            value =
                "what else it can: lora, quantized-lora, held-out, consistency, probes,"
                    + " activation-checkpointing, model-references",
            byDefault = "")
        Optional<List<String>> features,
    @Setting("a Jinja template that writes a row of an example, in place of TRL's form")
        Optional<Path> rowTemplate) {

  public ExternalOptions {
    if (command.isBlank()) {
      throw new InvalidInputException("the option 'command' is empty; name a program");
    }
    losses = List.copyOf(losses);
    optimizers = List.copyOf(optimizers);
    features = features.map(List::copyOf);
    features.ifPresent(ExternalOptions::features);
  }

  /** What a trainer of these options can do. */
  TrainerCapabilities capabilities() {
    return new TrainerCapabilities(
        losses.stream().map(Loss::new).collect(Collectors.toSet()),
        optimizers.stream().map(Optimizer::new).collect(Collectors.toSet()),
        features.map(ExternalOptions::features).orElse(Set.of()));
  }

  private static Set<Feature> features(List<String> names) {
    Set<Feature> features = EnumSet.noneOf(Feature.class);
    for (String name : names) {
      features.add(
          Arrays.stream(Feature.values())
              .filter(f -> Settings.name(f).equals(name))
              .findFirst()
              .orElseThrow(
                  () ->
                      new InvalidInputException(
                          "the option 'features' must have some of "
                              + Arrays.stream(Feature.values()).map(Settings::name).toList()
                              + ", found '"
                              + ShownText.of(name, 60)
                              + "'")));
    }
    return features;
  }

  /**
   * The command's words: the whole where it is a file's path, else what spaces separate. A word
   * that is a file's path is made absolute, as the command works in another folder.
   */
  List<String> words() {
    if (Files.isRegularFile(Path.of(command))) {
      return List.of(absolute(command));
    }
    List<String> words = new ArrayList<>();
    for (String word : command.strip().split("\\s+")) {
      words.add(Files.isRegularFile(Path.of(word)) ? absolute(word) : word);
    }
    return words;
  }

  private static String absolute(String path) {
    return Path.of(path).toAbsolutePath().toString();
  }
}
