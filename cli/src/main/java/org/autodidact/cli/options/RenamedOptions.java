package org.autodidact.cli.options;

import java.util.Arrays;
import java.util.Map;
import org.autodidact.checkpoints.files.Warnings;

/** Options of earlier versions: each still works, and means the option that replaced it. */
public final class RenamedOptions {
  private static final Map<String, String> NAMES =
      Map.of(
          "--provider", "--device",
          "--recompute", "--activation-checkpointing",
          "--warmup", "--warmup-steps",
          "--max-grad-norm", "--max-gradient-norm");

  private RenamedOptions() {}

  /** The command line with today's names; a warning for each earlier one. */
  public static String[] replaced(String... arguments) {
    return Arrays.stream(arguments).map(RenamedOptions::replaced).toArray(String[]::new);
  }

  private static String replaced(String argument) {
    String name = argument.split("=", 2)[0];
    String current = NAMES.get(name);
    if (current == null) {
      return argument;
    }
    Warnings.once("the option " + name + " is now called " + current + "; use the new name");
    return current + argument.substring(name.length());
  }
}
