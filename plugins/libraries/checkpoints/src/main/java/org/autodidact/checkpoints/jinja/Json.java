package org.autodidact.checkpoints.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;

/** {@code json.dumps}, which Transformers' filter {@code tojson} is. */
final class Json {
  private final Budget budget;
  private final boolean ascii;
  private final String indent;
  private final boolean sorted;
  private final String itemSeparator;
  private final String keySeparator;
  private final StringBuilder text = new StringBuilder();

  private Json(Budget budget, Object[] options) {
    this.budget = budget;
    this.ascii = Values.truth(Arguments.or(options[0], false));
    Object given = Arguments.or(options[1], null);
    this.indent =
        given == null
            ? null
            : given instanceof String spaces
                ? spaces
                : " ".repeat((int) Math.max(0, Math.min(64, Values.toLong(given))));
    Object separators = Arguments.or(options[2], null);
    if (separators instanceof List<?> pair && pair.size() == 2) {
      this.itemSeparator = Values.toText(pair.get(0));
      this.keySeparator = Values.toText(pair.get(1));
    } else if (separators == null) {
      this.itemSeparator = indent == null ? ", " : ",";
      this.keySeparator = ": ";
    } else {
      throw new JinjaException("tojson: separators must be two texts");
    }
    this.sorted = Values.truth(Arguments.or(options[3], false));
  }

  static String write(Object value, Arguments arguments, Budget budget) {
    Json json =
        new Json(budget, arguments.bind("ensure_ascii", "indent", "separators", "sort_keys"));
    json.write(value, 0);
    return json.text.toString();
  }

  private void write(Object value, int depth) {
    budget.enter();
    int from = text.length();
    if (value instanceof String string) {
      string(string);
    } else if (value instanceof Map<?, ?> map) {
      map(map, depth);
    } else if (value instanceof List<?> list && !(value instanceof Range)) {
      String between = "[" + line(depth + 1);
      for (Object item : list) {
        text.append(between);
        write(item, depth + 1);
        between = itemSeparator + line(depth + 1);
      }
      text.append(list.isEmpty() ? "[]" : line(depth) + "]");
    } else {
      text.append(scalar(value));
    }
    budget.text(text.length() - from);
    budget.leave();
  }

  private static String scalar(Object value) {
    if (value == null) {
      return "null";
    } else if (value instanceof Boolean || value instanceof Long) {
      return value.toString();
    } else if (value instanceof Double number) {
      return Double.isNaN(number)
          ? "NaN"
          : Double.isInfinite(number)
              ? (number > 0 ? "Infinity" : "-Infinity")
              : PythonText.repr(number);
    }
    throw Values.undefinedOr(
        value, null, "a " + Values.typeName(value) + " cannot be written as JSON");
  }

  private void map(Map<?, ?> map, int depth) {
    List<Object> keys = new ArrayList<>(map.keySet());
    if (sorted) {
      keys.sort((a, b) -> Values.compare(a, b, budget));
    }
    String between = "{" + line(depth + 1);
    for (Object key : keys) {
      text.append(between);
      string(key instanceof String string ? string : scalar(key));
      text.append(keySeparator);
      write(map.get(key), depth + 1);
      between = itemSeparator + line(depth + 1);
    }
    text.append(keys.isEmpty() ? "{}" : line(depth) + "}");
  }

  private String line(int depth) {
    return indent == null ? "" : "\n" + indent.repeat(depth);
  }

  private void string(String string) {
    text.append('"');
    for (int i = 0; i < string.length(); i++) {
      char c = string.charAt(i);
      switch (c) {
        case '"' -> text.append("\\\"");
        case '\\' -> text.append("\\\\");
        case '\n' -> text.append("\\n");
        case '\r' -> text.append("\\r");
        case '\t' -> text.append("\\t");
        case '\f' -> text.append("\\f");
        case '\b' -> text.append("\\b");
        default -> {
          if (c < 0x20 || ascii && c > 0x7E) {
            text.append(String.format(Locale.ROOT, "\\u%04x", (int) c));
          } else {
            text.append(c);
          }
        }
      }
    }
    text.append('"');
  }
}
