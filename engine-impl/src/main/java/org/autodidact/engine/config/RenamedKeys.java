package org.autodidact.engine.config;

import java.util.Map;
import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.files.Warnings;

/** Keys of earlier versions: each still works, and means the key that replaced it. */
final class RenamedKeys {
  private static final Map<String, String> KEYS =
      Map.of(
          "compute.provider", "compute.device",
          "preference-training.recompute", "preference-training.activation-checkpointing",
          "fine-tuning.training.recompute", "fine-tuning.training.activation-checkpointing");

  private RenamedKeys() {}

  /** The key that a dotted key of a person stands for; a warning where it is an earlier one. */
  static String replaced(String key) {
    String current = KEYS.getOrDefault(key, key);
    if (!current.equals(key)) {
      Warnings.once("the key '" + key + "' is now called '" + current + "'; use the new name");
    }
    return current;
  }

  /**
   * Renames the earlier keys of a configuration.
   *
   * @param stored whether an earlier version wrote it: then nobody can change it, and no warning is
   *     given
   */
  static void replace(YamlNode.Mapping root, boolean stored) {
    KEYS.forEach(
        (earlier, current) -> {
          YamlNode.Mapping section = root;
          String[] steps = earlier.split("\\.");
          for (int i = 0; i < steps.length - 1 && section != null; i++) {
            section = section.values().get(steps[i]) instanceof YamlNode.Mapping m ? m : null;
          }
          String name = current.substring(current.lastIndexOf('.') + 1);
          YamlNode value = section == null ? null : section.values().get(steps[steps.length - 1]);
          if (value == null) {
            return;
          }
          if (section.values().putIfAbsent(name, value) != null) {
            throw new InvalidInputException(
                value.where()
                    + ": the keys '"
                    + earlier
                    + "' and '"
                    + current
                    + "' are the same; leave the first out");
          }
          section.values().remove(steps[steps.length - 1]);
          if (!stored) {
            replaced(earlier);
          }
        });
  }
}
