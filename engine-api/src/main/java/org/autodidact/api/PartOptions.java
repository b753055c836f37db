package org.autodidact.api;

import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The options that a configuration gives a part, as {@code judge: {name: mine, options: {word:
 * thanks}}}: texts by key. They are kept with the run and compared when it is resumed. Immutable.
 *
 * <p>A provider reads them into a record of its own, whose components are declared by {@link
 * Setting}:
 *
 * <pre>{@code
 * record Options(@Setting(value = "the word looked for", byDefault = "thanks") String word) {}
 *
 * Options options = context.options().read(Options.class);
 * }</pre>
 *
 * <p>A component is a {@code String}, {@code int}, {@code long}, {@code double}, {@code boolean},
 * {@link Path}, enum, {@link Secret}, a {@code List<String>} (items separated by commas) or an
 * {@code Optional} of one of them. An option without a default is required, unless it is an {@code
 * Optional}. The value {@code ${NAME}} stands for the environment variable {@code NAME}: only that
 * word is kept with the run.
 *
 * @since 0.2
 */
@API(status = Status.STABLE, since = "0.2")
public final class PartOptions {
  private static final Pattern VARIABLE = Pattern.compile("\\$\\{([A-Za-z_][A-Za-z0-9_]*)}");
  private static final PartOptions NONE = new PartOptions(Map.of());

  private final SortedMap<String, String> values;

  private PartOptions(Map<String, String> values) {
    this.values = new TreeMap<>(values);
  }

  /** The options of a part that has none. */
  public record None() {}

  public static PartOptions none() {
    return NONE;
  }

  /** Options by key, as a configuration has them. */
  public static PartOptions of(Map<String, String> values) {
    return new PartOptions(values);
  }

  /** The texts by key, as they are written: environment variables by their names. */
  public Map<String, String> values() {
    return Map.copyOf(values);
  }

  /**
   * The options as a record.
   *
   * @throws InvalidInputException for an unknown or missing key, a value that its component cannot
   *     have, or an environment variable that is not set; named by key
   */
  public <R extends Record> R read(Class<R> type) {
    return read(type, System::getenv);
  }

  /** As {@link #read(Class)}, with another environment. */
  <R extends Record> R read(Class<R> type, UnaryOperator<String> environment) {
    RecordComponent[] components = type.getRecordComponents();
    List<String> known =
        Arrays.stream(components).map(c -> Settings.key(c.getName())).sorted().toList();
    for (String key : values.keySet()) {
      if (!known.contains(key)) {
        throw new InvalidInputException(
            "unknown option '"
                + ShownText.of(key, 60)
                + "'; "
                + (known.isEmpty() ? "there are none" : "there are: " + known));
      }
    }
    Map<String, Object> read = new HashMap<>();
    for (RecordComponent component : components) {
      read.put(component.getName(), value(component, environment));
    }
    return Settings.create(type, read);
  }

  private Object value(RecordComponent component, UnaryOperator<String> environment) {
    String key = Settings.key(component.getName());
    Setting setting = component.getAnnotation(Setting.class);
    Type type = component.getGenericType();
    boolean optional = component.getType() == Optional.class;
    if (optional) {
      type = ((ParameterizedType) type).getActualTypeArguments()[0];
    }
    String written = values.get(key);
    String text = written == null && setting != null ? setting.byDefault() : written;
    if (text == null || (written == null && text.isEmpty())) {
      if (optional) {
        return Optional.empty();
      }
      throw new InvalidInputException(
          "the option '" + key + "' is missing" + (setting == null ? "" : ": " + setting.value()));
    }
    String resolved = resolved(key, type, text, environment);
    try {
      Object value = parsed(key, type, resolved);
      if (setting != null && value instanceof Number number) {
        Settings.check(key, setting, number);
      }
      return optional ? Optional.of(value) : value;
    } catch (InvalidInputException e) {
      if (resolved.equals(text)) {
        throw e;
      }
      // What the variable holds may be a secret that was given to another option.
      throw new InvalidInputException(
          "the option '"
              + key
              + "' cannot be the value of "
              + text
              + (setting == null ? "" : ": it is " + setting.value())
              + (setting == null || setting.range().isEmpty() ? "" : ", in " + setting.range()));
    }
  }

  private static String resolved(
      String key, Type type, String text, UnaryOperator<String> environment) {
    Matcher variable = VARIABLE.matcher(text);
    if (!variable.matches()) {
      if (type == Secret.class) {
        throw new InvalidInputException(
            "the option '"
                + key
                + "' is a secret, and would be kept with the run; set an environment variable and"
                + " write ${ITS_NAME}");
      }
      return text;
    }
    String value = environment.apply(variable.group(1));
    if (value == null || value.isEmpty()) {
      throw new InvalidInputException(
          "the option '"
              + key
              + "' is the environment variable "
              + variable.group(1)
              + ", which is not set; set it");
    }
    return value;
  }

  private static Object parsed(String key, Type type, String text) {
    try {
      if (type == String.class) {
        return text;
      }
      if (type == Secret.class) {
        return new Secret(text);
      }
      if (type == int.class || type == Integer.class) {
        return Integer.valueOf(text);
      }
      if (type == long.class || type == Long.class) {
        return Long.valueOf(text);
      }
      if (type == double.class || type == Double.class) {
        return finite(Double.parseDouble(text));
      }
      if (type == Path.class) {
        if (text.isEmpty()) { // which is the current folder, and nobody's wish
          throw new IllegalArgumentException("an empty path");
        }
        return Path.of(text);
      }
    } catch (IllegalArgumentException e) {
      throw expected(key, type == Path.class ? "a path" : "a number", text);
    }
    if (type == boolean.class || type == Boolean.class) {
      if (!text.equals("true") && !text.equals("false")) {
        throw expected(key, "true or false", text);
      }
      return Boolean.valueOf(text);
    }
    if (type instanceof Class<?> constants && constants.isEnum()) {
      return constant(key, constants, text);
    }
    if (type instanceof ParameterizedType list && list.getRawType() == List.class) {
      return text.isEmpty()
          ? List.of()
          : Arrays.stream(text.split(",", -1)).map(String::strip).toList();
    }
    throw new IllegalArgumentException("an option cannot be a " + type.getTypeName());
  }

  private static Object constant(String key, Class<?> type, String text) {
    List<String> names =
        Arrays.stream(type.getEnumConstants()).map(c -> Settings.name((Enum<?>) c)).toList();
    int found = names.indexOf(text);
    if (found < 0) {
      throw expected(key, "one of " + names, text);
    }
    return type.getEnumConstants()[found];
  }

  private static double finite(double value) {
    if (!Double.isFinite(value)) {
      throw new IllegalArgumentException("not finite");
    }
    return value;
  }

  private static InvalidInputException expected(String key, String expected, String found) {
    return new InvalidInputException(
        "the option '"
            + key
            + "' must be "
            + expected
            + ", found '"
            + ShownText.of(found, 60)
            + "'");
  }

  /** The keys and texts as they are written. */
  @Override
  public String toString() {
    return values.toString();
  }

  @Override
  public boolean equals(Object other) {
    return other instanceof PartOptions options && options.values.equals(values);
  }

  @Override
  public int hashCode() {
    return values.hashCode();
  }
}
