package org.autodidact.checkpoints.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Map;
import java.util.Objects;

/** What Python does with values of any type: truth, text, equality, order, length, iteration. */
final class Values {
  private Values() {}

  static String typeName(Object value) {
    if (value == null) {
      return "None";
    } else if (value instanceof String) {
      return "str object";
    } else if (value instanceof Boolean) {
      return "bool object";
    } else if (value instanceof Long) {
      return "int object";
    } else if (value instanceof Double) {
      return "float object";
    } else if (value instanceof Map) {
      return "dict object";
    } else if (value instanceof Tuple) {
      return "tuple object";
    } else if (value instanceof Range) {
      return "range object";
    } else if (value instanceof List) {
      return "list object";
    } else if (value instanceof Lazy) {
      return "generator object";
    } else if (value instanceof Loop) {
      return "loop";
    } else if (value instanceof Namespace) {
      return "namespace";
    } else if (value instanceof Undefined) {
      return "undefined value";
    }
    return "function";
  }

  static boolean truth(Object value) {
    if (value instanceof Boolean truth) {
      return truth;
    } else if (value instanceof String text) {
      return !text.isEmpty();
    } else if (value instanceof Long number) {
      return number != 0;
    } else if (value instanceof Double number) {
      return number != 0;
    } else if (value instanceof List<?> list) {
      return !list.isEmpty();
    } else if (value instanceof Map<?, ?> map) {
      return !map.isEmpty();
    }
    return value != null && !(value instanceof Undefined);
  }

  /** As {@code str(value)}, which is what an expression writes. */
  static String text(Object value, Budget budget) {
    if (value instanceof String text) {
      return text;
    } else if (value instanceof Undefined) {
      return "";
    }
    StringBuilder shown = new StringBuilder();
    repr(value, shown, budget);
    return shown.toString();
  }

  private static void repr(Object value, StringBuilder shown, Budget budget) {
    budget.enter();
    int from = shown.length();
    if (value == null) {
      shown.append("None");
    } else if (value instanceof Boolean truth) {
      shown.append(truth ? "True" : "False");
    } else if (value instanceof String text) {
      shown.append(PythonText.repr(text));
    } else if (value instanceof Long number) {
      shown.append(number);
    } else if (value instanceof Double number) {
      shown.append(PythonText.repr(number));
    } else if (value instanceof Undefined) {
      shown.append("Undefined");
    } else if (value instanceof Range range) {
      shown.append("range(").append(range.start).append(", ").append(range.stop);
      shown.append(range.step == 1 ? ")" : ", " + range.step + ")");
    } else if (value instanceof List<?> list) {
      shown.append(list instanceof Tuple ? '(' : '[');
      String between = "";
      for (Object item : list) {
        shown.append(between);
        repr(item, shown, budget);
        between = ", ";
      }
      shown.append(list instanceof Tuple ? list.size() == 1 ? ",)" : ")" : "]");
    } else if (value instanceof Map<?, ?> map) {
      shown.append('{');
      String between = "";
      for (Map.Entry<?, ?> entry : map.entrySet()) {
        shown.append(between);
        repr(entry.getKey(), shown, budget);
        shown.append(": ");
        repr(entry.getValue(), shown, budget);
        between = ", ";
      }
      shown.append('}');
    } else {
      throw new JinjaException("a " + typeName(value) + " cannot be written");
    }
    budget.text(shown.length() - from);
    budget.leave();
  }

  /** As {@code a == b}. */
  static boolean equal(Object a, Object b, Budget budget) {
    budget.step();
    if (isNumber(a) && isNumber(b)) {
      return a instanceof Double || b instanceof Double
          ? toDouble(a) == toDouble(b)
          : toLong(a) == toLong(b);
    } else if (a instanceof String text && b instanceof String other) {
      budget.scan(Math.min(text.length(), other.length()));
      return text.equals(other);
    } else if (a instanceof List<?> list && b instanceof List<?> other) {
      return kind(list).equals(kind(other))
          && list.size() == other.size()
          && sameItems(list, other, budget);
    } else if (a instanceof Map<?, ?> map && b instanceof Map<?, ?> other) {
      return map.size() == other.size() && sameEntries(map, other, budget);
    } else if (a instanceof Undefined) {
      return b instanceof Undefined;
    }
    return a == b;
  }

  private static Class<?> kind(List<?> list) {
    return list instanceof Tuple || list instanceof Range ? list.getClass() : List.class;
  }

  private static boolean sameItems(List<?> list, List<?> other, Budget budget) {
    budget.enter();
    boolean same = true;
    for (int i = 0; same && i < list.size(); i++) {
      same = equal(list.get(i), other.get(i), budget);
    }
    budget.leave();
    return same;
  }

  private static boolean sameEntries(Map<?, ?> map, Map<?, ?> other, Budget budget) {
    budget.enter();
    boolean same = true;
    for (Map.Entry<?, ?> entry : map.entrySet()) {
      same =
          same
              && other.containsKey(entry.getKey())
              && equal(entry.getValue(), other.get(entry.getKey()), budget);
    }
    budget.leave();
    return same;
  }

  /** As {@code a < b} and its kin: negative, 0 or positive. */
  static int compare(Object a, Object b, Budget budget) {
    budget.step();
    if (isNumber(a) && isNumber(b)) {
      return a instanceof Double || b instanceof Double
          ? Double.compare(toDouble(a), toDouble(b))
          : Long.compare(toLong(a), toLong(b));
    } else if (a instanceof String text && b instanceof String other) {
      budget.scan(Math.min(text.length(), other.length()));
      return compareCodePoints(text, other);
    } else if (a instanceof List<?> list
        && b instanceof List<?> other
        && kind(list).equals(kind(other))) {
      budget.enter();
      for (int i = 0; i < Math.min(list.size(), other.size()); i++) {
        if (!equal(list.get(i), other.get(i), budget)) {
          int order = compare(list.get(i), other.get(i), budget);
          budget.leave();
          return order;
        }
      }
      budget.leave();
      return Integer.compare(list.size(), other.size());
    }
    throw undefinedOr(
        a, b, "a " + typeName(a) + " and a " + typeName(b) + " have no order between them");
  }

  private static int compareCodePoints(String a, String b) {
    int i = 0;
    while (i < a.length() && i < b.length()) {
      int first = a.codePointAt(i);
      int second = b.codePointAt(i);
      if (first != second) {
        return Integer.compare(first, second);
      }
      i += Character.charCount(first);
    }
    return Integer.compare(a.length(), b.length());
  }

  /** As {@code item in container}. */
  static boolean contains(Object container, Object item, Budget budget) {
    if (container instanceof String text) {
      if (!(item instanceof String part)) {
        throw undefinedOr(
            item, null, "'in <string>' needs a text at its left, not a " + typeName(item));
      }
      budget.search(text, part);
      return text.contains(part);
    } else if (container instanceof Map<?, ?> map) {
      return map.containsKey(key(item));
    }
    for (Iterator<Object> items = iterate(container, budget); items.hasNext(); ) {
      if (equal(items.next(), item, budget)) {
        return true;
      }
    }
    return false;
  }

  /** The error for an undefined operand, or else one of this message. */
  static JinjaException undefinedOr(Object a, Object b, String message) {
    return a instanceof Undefined undefined
        ? undefined.error()
        : b instanceof Undefined other ? other.error() : new JinjaException(message);
  }

  /** What can be gone through, as {@code iter(value)}. */
  static boolean isIterable(Object value) {
    return value instanceof String
        || value instanceof List
        || value instanceof Map
        || value instanceof Lazy
        || value instanceof Undefined;
  }

  static Iterator<Object> iterate(Object value, Budget budget) {
    if (value instanceof Lazy lazy) {
      return lazy.iterator();
    }
    return list(value, budget).iterator();
  }

  /** As {@code list(value)}; a list is given as it is. */
  static List<Object> list(Object value, Budget budget) {
    if (value instanceof String text) {
      budget.elements(text.length());
      return PythonText.characters(text);
    } else if (value instanceof Map<?, ?> map) {
      budget.elements(map.size());
      return new ArrayList<>(map.keySet());
    } else if (value instanceof List<?> list) {
      return unchecked(list);
    } else if (value instanceof Lazy lazy) {
      List<Object> items = new ArrayList<>();
      lazy.iterator()
          .forEachRemaining(
              item -> {
                budget.elements(1);
                items.add(item);
              });
      return items;
    } else if (value instanceof Undefined) {
      return List.of();
    }
    throw new JinjaException("a " + typeName(value) + " is not iterable");
  }

  @SuppressWarnings("unchecked")
  private static List<Object> unchecked(List<?> list) {
    return (List<Object>) list;
  }

  /** As {@code len(value)}. */
  static long length(Object value, Budget budget) {
    if (value instanceof String text) {
      budget.scan(text.length());
      return PythonText.length(text);
    } else if (value instanceof List<?> list) {
      return list.size();
    } else if (value instanceof Map<?, ?> map) {
      return map.size();
    } else if (value instanceof Undefined) {
      return 0;
    } else if (value instanceof Loop loop) {
      return loop.length();
    }
    throw new JinjaException("a " + typeName(value) + " has no length");
  }

  /** A key as maps hold it: numbers that are equal are one key. */
  static Object key(Object value) {
    if (value instanceof Double number && number == Math.rint(number) && Math.abs(number) < 1e15) {
      return number.longValue();
    } else if (value instanceof Boolean) {
      throw new JinjaException("a bool as a key, which equals 0 or 1, is not supported");
    } else if (value instanceof String
        || value instanceof Long
        || value instanceof Double
        || value == null) {
      return value;
    }
    throw undefinedOr(value, null, "a " + typeName(value) + " as a key is not supported");
  }

  static boolean isNumber(Object value) {
    return value instanceof Long || value instanceof Double || value instanceof Boolean;
  }

  static boolean isInteger(Object value) {
    return value instanceof Long || value instanceof Boolean;
  }

  static double toDouble(Object number) {
    return number instanceof Double value ? value : toLong(number);
  }

  /** An integer argument. */
  static long toLong(Object value) {
    if (value instanceof Long number) {
      return number;
    } else if (value instanceof Boolean truth) {
      return truth ? 1 : 0;
    }
    throw undefinedOr(value, null, "expected an integer, found a " + typeName(value));
  }

  /** A text argument. */
  static String toText(Object value) {
    if (value instanceof String text) {
      return text;
    }
    throw undefinedOr(value, null, "expected a text, found a " + typeName(value));
  }

  /** As {@code a is b}. */
  static boolean same(Object a, Object b) {
    return a == b
        || (a instanceof String || a instanceof Long || a instanceof Boolean)
            && Objects.equals(a, b);
  }
}
