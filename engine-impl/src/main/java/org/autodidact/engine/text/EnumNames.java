package org.autodidact.engine.text;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Settings;

/** Enum constants, and names that a plugin may add to, as people write them. */
public final class EnumNames {
  private static final String NO_INT4 =
      ": precision int4 is not there: four bits cost this project's reference model 15 to 33 per"
          + " cent of its perplexity (docs/measurements); use int8, fp32 or auto";

  private EnumNames() {}

  /** The constant whose name is {@code name}, hyphens for underscores, in any case. */
  public static <E> E oneOf(String key, Class<E> type, String name) {
    return type.cast(constant(key, type, name));
  }

  /** {@link #oneOf} of a type that is only known at run time. */
  public static Object constant(String key, Class<?> type, String name) {
    if (Settings.isName(type)) {
      if (type == ComputeSettings.Precision.class && name.equals("int4")) {
        throw new InvalidInputException(key + NO_INT4);
      }
      // Whether a plugin has it is asked before any work, see Capabilities.
      return Settings.create(
          type.asSubclass(Record.class), Map.of("name", name.toLowerCase(Locale.ROOT)));
    }
    Enum<?>[] constants = (Enum<?>[]) type.getEnumConstants();
    List<String> known = Arrays.stream(constants).map(EnumNames::of).toList();
    int index = known.indexOf(name.toLowerCase(Locale.ROOT));
    if (index < 0) {
      throw new InvalidInputException(
          "the key '"
              + key
              + "' must be one of "
              + known
              + ", found '"
              + name
              + "'"
              + Suggestions.hint(name, known));
    }
    return constants[index];
  }

  /** A constant as {@link #oneOf} reads it. */
  public static String of(Enum<?> constant) {
    return Settings.name(constant);
  }
}
