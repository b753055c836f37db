package org.autodidact.engine.config;

import java.lang.invoke.MethodType;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.regex.Pattern;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Settings;
import org.autodidact.api.ShownText;
import org.autodidact.engine.text.EnumNames;
import org.autodidact.engine.text.Suggestions;

/**
 * Makes records of nodes: the type of a component says what the value of its key means, its name in
 * lower case with hyphens is the key. A missing section is one without keys, another missing value
 * null, or an empty Optional.
 */
final class RecordReader {
  /** Items of a list. */
  private static final int LIST_LENGTH = 10_000;

  private static final Pattern WHOLE = Pattern.compile("[+-]?(?:0|[1-9][0-9]{0,40})");
  private static final Pattern OCTAL = Pattern.compile("[+-]?0[0-9_]+");
  private static final Pattern NUMBER =
      Pattern.compile(
          "[+-]?(?:[0-9]{1,400}(?:\\.[0-9]{0,400})?|\\.[0-9]{1,400})(?:[eE][+-]?[0-9]{1,12})?");
  private static final Pattern NOT_ZERO = Pattern.compile("^[^eE]*[1-9].*");

  private RecordReader() {}

  /** The keys of a section's components. */
  static Map<String, Type> keys(Class<?> section) {
    Map<String, Type> keys = new LinkedHashMap<>();
    if (section == TrainingOptions.class) {
      TrainingOptions.all().forEach(option -> keys.put(option.key(), option.type()));
      return keys;
    }
    for (RecordComponent c : section.getRecordComponents()) {
      keys.put(Settings.key(c.getName()), c.getGenericType());
    }
    return keys;
  }

  /** The type of a dotted key's value; nothing where there is no such key. */
  static Optional<Type> type(Class<?> section, String dottedKey) {
    Type type = section;
    for (String step : dottedKey.split("\\.", -1)) {
      type =
          isMap(type)
              ? ((ParameterizedType) type).getActualTypeArguments()[1]
              : section(type).map(c -> keys(c).get(step)).orElse(null);
      if (type == null) {
        return Optional.empty();
      }
    }
    return Optional.of(type);
  }

  /** Whether a key's value is a text, be it one that names a file or a constant. */
  static boolean isText(Type type) {
    return unwrapped(type) == String.class || isPath(type) || isEnum(unwrapped(type));
  }

  /** Whether a key's value is the path of a file, or may be. */
  static boolean isPath(Type type) {
    return unwrapped(type) == Path.class || unwrapped(type) == ModelName.class;
  }

  static boolean isModel(Type type) {
    return unwrapped(type) == ModelName.class;
  }

  /** Whether a key's value has keys of a plugin's choice. */
  private static boolean isMap(Type type) {
    return type instanceof ParameterizedType p && p.getRawType() == Map.class;
  }

  private static boolean isEnum(Type type) {
    return type instanceof Class<?> c && (c.isEnum() || Settings.isName(c));
  }

  /** The section that a key's value is; empty where it is none. */
  static Optional<Class<?>> section(Type type) {
    return unwrapped(type) instanceof Class<?> c
            && c.isRecord()
            && !Settings.isName(c)
            && c != ModelName.class
        ? Optional.of(c)
        : Optional.empty();
  }

  /** The type of the objects that hold a primitive type's values. */
  static Type wrapped(Type type) {
    return type instanceof Class<?> c ? MethodType.methodType(c).wrap().returnType() : type;
  }

  private static Type unwrapped(Type type) {
    return type instanceof ParameterizedType p && p.getRawType() == Optional.class
        ? p.getActualTypeArguments()[0]
        : type;
  }

  /** A section; {@code path} is its dotted key, empty for the whole. */
  static <R> R read(Class<R> section, YamlNode.Mapping node, String path) {
    Map<String, Type> keys = keys(section);
    for (Map.Entry<String, YamlNode> given : node.values().entrySet()) {
      if (!keys.containsKey(given.getKey())) {
        throw new InvalidInputException(
            given.getValue().where()
                + ": unknown key '"
                + ShownText.of(path + given.getKey(), 60)
                + "'"
                + Suggestions.hint(ShownText.of(given.getKey(), 60), keys.keySet())
                + "; known here: "
                + keys.keySet().stream().sorted().toList());
      }
    }
    SortedMap<String, Object> values = new TreeMap<>();
    keys.forEach(
        (key, type) -> {
          Object value =
              value(type, Optional.ofNullable(node.values().get(key)), path + key, node.where());
          if (value != null) {
            values.put(key, value);
          }
        });
    try {
      if (section == TrainingOptions.class) {
        return section.cast(new TrainingOptions(values));
      }
      Map<String, Object> byComponent = new HashMap<>();
      for (RecordComponent c : section.getRecordComponents()) {
        byComponent.put(c.getName(), values.get(Settings.key(c.getName())));
      }
      return section.cast(Settings.create(section.asSubclass(Record.class), byComponent));
    } catch (InvalidInputException e) {
      String name = path.isEmpty() ? "" : path.substring(0, path.length() - 1);
      throw new InvalidInputException(
          node.where() + ": " + (e.getMessage().contains(name) ? "" : name + ": ") + e.getMessage(),
          e);
    }
  }

  private static Object value(Type type, Optional<YamlNode> node, String key, String where) {
    boolean optional = unwrapped(type) != type;
    if (node.isPresent() && !(node.get() instanceof YamlNode.Scalar s && s.isNull())) {
      Object value = present(unwrapped(type), node.get(), key);
      return optional ? Optional.of(value) : value;
    }
    if (optional) {
      return Optional.empty();
    }
    return section(type)
        .map(c -> (Object) read(c, new YamlNode.Mapping(where, new LinkedHashMap<>()), key + "."))
        .orElse(null);
  }

  private static Object present(Type type, YamlNode node, String key) {
    if (type instanceof Class<?> section && section(type).isPresent()) {
      if (node instanceof YamlNode.Mapping mapping) {
        return read(section, mapping, key + ".");
      }
      throw expected(node, key, "keys and values");
    }
    if (isMap(type)) {
      return map(((ParameterizedType) type).getActualTypeArguments()[1], node, key);
    }
    if (type instanceof ParameterizedType) {
      return texts(node, key);
    }
    if (!(node instanceof YamlNode.Scalar scalar)) {
      throw expected(node, key, words(type));
    }
    if (type == Path.class) {
      return Path.of(text(scalar, key));
    }
    if (type == ModelName.class) {
      return new ModelName(text(scalar, key));
    }
    if (isEnum(type)) {
      try {
        return EnumNames.constant(key, (Class<?>) type, text(scalar, key));
      } catch (InvalidInputException e) {
        throw new InvalidInputException(scalar.where() + ": " + e.getMessage(), e);
      }
    }
    return type == String.class ? text(scalar, key) : number(type, scalar, key);
  }

  private static String words(Type type) {
    if (isText(type)) {
      return "a text";
    }
    if (type == Boolean.class) {
      return "true or false";
    }
    return type == Double.class ? "a number" : "a whole number";
  }

  /** Keys of a plugin's choice; numbers and truth values are texts as they are written. */
  private static Map<String, Object> map(Type valueType, YamlNode node, String key) {
    if (!(node instanceof YamlNode.Mapping mapping)) {
      throw expected(node, key, "keys and values");
    }
    Map<String, Object> values = new LinkedHashMap<>();
    mapping
        .values()
        .forEach(
            (name, value) -> {
              String inner = key + "." + ShownText.of(name, 60);
              if (isMap(valueType)) {
                values.put(
                    name,
                    map(((ParameterizedType) valueType).getActualTypeArguments()[1], value, inner));
              } else if (value instanceof YamlNode.Sequence) {
                values.put(name, String.join(",", texts(value, inner)));
              } else if (value instanceof YamlNode.Scalar scalar && !scalar.isNull()) {
                values.put(name, text(scalar, inner));
              } else {
                throw expected(value, inner, "a text, a number, true, false or a list of texts");
              }
            });
    return values;
  }

  private static List<String> texts(YamlNode node, String key) {
    if (!(node instanceof YamlNode.Sequence list)) {
      throw expected(node, key, "a list of texts, as [\"a\", \"b\"]");
    }
    if (list.values().size() > LIST_LENGTH) {
      throw expected(node, key, "a list of at most " + LIST_LENGTH + " texts");
    }
    List<String> texts = new ArrayList<>();
    for (YamlNode item : list.values()) {
      if (!(item instanceof YamlNode.Scalar scalar) || scalar.isNull()) {
        throw expected(item, key, "a list of texts");
      }
      texts.add(text(scalar, key));
    }
    return texts;
  }

  /** The text as it is written; without NUL and unpaired surrogates. */
  private static String text(YamlNode.Scalar scalar, String key) {
    String text = scalar.text();
    if (text.indexOf('\0') >= 0 || !StandardCharsets.UTF_8.newEncoder().canEncode(text)) {
      throw expected(scalar, key, "a text without NUL and halves of characters");
    }
    return text;
  }

  private static Object number(Type type, YamlNode.Scalar scalar, String key) {
    String text = scalar.text();
    if (scalar.quoted()) {
      throw expected(scalar, key, words(type) + ", without quotes");
    }
    if (type == Boolean.class) {
      if (!List.of("true", "True", "TRUE", "false", "False", "FALSE").contains(text)) {
        throw expected(scalar, key, words(type));
      }
      return Boolean.valueOf(text);
    }
    if (OCTAL.matcher(text).matches()) {
      throw expected(
          scalar, key, words(type) + " that does not begin with 0, which some read as octal");
    }
    if (type == Double.class) {
      double value = NUMBER.matcher(text).matches() ? Double.parseDouble(text) : Double.NaN;
      if (!Double.isFinite(value) || value == 0 && NOT_ZERO.matcher(text).matches()) {
        throw expected(scalar, key, "a number that a double holds, as 0.5 or 1e-6");
      }
      return value;
    }
    if (!WHOLE.matcher(text).matches()) {
      throw expected(scalar, key, words(type));
    }
    BigInteger value = new BigInteger(text);
    int bits = type == Long.class ? 63 : 31;
    if (value.bitLength() > bits) {
      throw expected(scalar, key, "a whole number between -2^" + bits + " and 2^" + bits + " - 1");
    }
    return type == Long.class ? (Object) value.longValue() : (Object) value.intValue();
  }

  private static InvalidInputException expected(YamlNode node, String key, String expected) {
    return new InvalidInputException(
        node.where() + ": the key '" + key + "' must be " + expected + "; found " + node.shown());
  }
}
