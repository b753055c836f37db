package org.autodidact.engine.config;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.KebabCaseStrategy;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.ParameterizedType;
import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.math.BigInteger;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.regex.Pattern;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;
import org.autodidact.engine.text.Suggestions;

/**
 * Makes records of nodes: a component's type says what its key's value means, its name in lower
 * case with hyphens is the key. What is not there is null, or an empty Optional.
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
    for (RecordComponent c : section.getRecordComponents()) {
      keys.put(new KebabCaseStrategy().translate(c.getName()), c.getGenericType());
    }
    return keys;
  }

  /** The type of a dotted key's value; nothing where there is no such key. */
  static Optional<Type> type(Class<?> section, String dottedKey) {
    Type type = section;
    for (String step : dottedKey.split("\\.", -1)) {
      Type inner = unwrapped(type);
      type = inner instanceof Class<?> c && c.isRecord() ? keys(c).get(step) : null;
      if (type == null) {
        return Optional.empty();
      }
    }
    return Optional.of(type);
  }

  /** Whether a key's value is a text. */
  static boolean isText(Type type) {
    return unwrapped(type) == String.class;
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
    Object[] arguments =
        keys.entrySet().stream()
            .map(
                e ->
                    value(
                        e.getValue(),
                        Optional.ofNullable(node.values().get(e.getKey())),
                        path + e.getKey()))
            .toArray();
    Class<?>[] types =
        Arrays.stream(section.getRecordComponents())
            .map(RecordComponent::getType)
            .toArray(Class<?>[]::new);
    try {
      return section.getDeclaredConstructor(types).newInstance(arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof InvalidInputException cause) {
        String name = path.isEmpty() ? "" : path.substring(0, path.length() - 1);
        throw new InvalidInputException(
            node.where()
                + ": "
                + (cause.getMessage().contains(name) ? "" : name + ": ")
                + cause.getMessage(),
            cause);
      }
      throw new IllegalStateException(e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalStateException(e);
    }
  }

  private static Object value(Type type, Optional<YamlNode> node, String key) {
    boolean optional = unwrapped(type) != type;
    if (node.isEmpty() || node.get() instanceof YamlNode.Scalar s && s.isNull()) {
      return optional ? Optional.empty() : null;
    }
    Object value = present(unwrapped(type), node.get(), key);
    return optional ? Optional.of(value) : value;
  }

  private static Object present(Type type, YamlNode node, String key) {
    if (type instanceof Class<?> section && section.isRecord()) {
      if (node instanceof YamlNode.Mapping mapping) {
        return read(section, mapping, key + ".");
      }
      throw expected(node, key, "keys and values");
    }
    if (type instanceof ParameterizedType) {
      return texts(node, key);
    }
    if (!(node instanceof YamlNode.Scalar scalar)) {
      throw expected(node, key, words(type));
    }
    return type == String.class ? text(scalar, key) : number(type, scalar, key);
  }

  private static String words(Type type) {
    if (type == String.class) {
      return "a text";
    }
    if (type == Boolean.class) {
      return "true or false";
    }
    return type == Double.class ? "a number" : "a whole number";
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

  /** As it is written, in UTF-8 and without the character that ends texts of the system. */
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
