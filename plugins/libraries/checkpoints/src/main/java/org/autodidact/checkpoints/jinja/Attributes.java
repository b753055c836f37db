package org.autodidact.checkpoints.jinja;

import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** {@code value.name}, {@code value[key]} and slices, as Jinja2's sandbox finds them. */
final class Attributes {
  private static final long LONGEST = Integer.MAX_VALUE;

  private static final Set<String> OF_NUMBERS =
      Set.of(
          "as_integer_ratio",
          "bit_count",
          "bit_length",
          "conjugate",
          "denominator",
          "fromhex",
          "hex",
          "imag",
          "is_integer",
          "numerator",
          "real",
          "to_bytes");

  private Attributes() {}

  /** The attribute of this name, else the item of this key, else undefined. */
  static Object attribute(Object owner, String name) {
    Object own = own(owner, name);
    if (own != Arguments.ABSENT) {
      return own;
    }
    if (owner instanceof Map<?, ?> map && map.containsKey(name)) {
      return map.get(name);
    }
    return missing(owner, name);
  }

  /** The item of this key, else, for a text, the attribute of this name, else undefined. */
  static Object item(Object owner, Object key, Budget budget) {
    if (owner instanceof Map<?, ?> map) {
      Object found = Values.key(key);
      if (map.containsKey(found)) {
        return map.get(found);
      }
    } else if (Values.isInteger(key)) {
      long index = Values.toLong(key);
      if (owner instanceof List<?> list) {
        long at = index < 0 ? index + list.size() : index;
        return at >= 0 && at < list.size() ? list.get((int) at) : Undefined.attribute(owner, key);
      } else if (owner instanceof String text) {
        budget.scan(2L * text.length());
        int length = PythonText.length(text);
        int at = (int) Math.max(-1, Math.min(length, index < 0 ? index + length : index));
        return at >= 0 && at < length
            ? PythonText.slice(text, at, at + 1)
            : Undefined.attribute(owner, key);
      }
    }
    if (key instanceof String name) {
      Object own = own(owner, name);
      if (own != Arguments.ABSENT) {
        return own;
      }
    }
    return missing(owner, key);
  }

  private static Object missing(Object owner, Object key) {
    if (owner instanceof Undefined undefined) {
      throw undefined.error();
    }
    return Undefined.attribute(owner, key);
  }

  /** What the owner itself has by this name, or {@link Arguments#ABSENT}. */
  private static Object own(Object owner, String name) {
    Optional<Callable> method = Optional.empty();
    if (owner instanceof String text) {
      method = TextMethods.find(text, name);
    } else if (owner instanceof Map<?, ?> map) {
      method = CollectionMethods.ofMap(map, name);
    } else if (owner instanceof List<?> list) {
      method = CollectionMethods.ofList(list, name);
    } else if (Values.isNumber(owner) && OF_NUMBERS.contains(name)) {
      throw new JinjaException("the attribute '" + name + "' of numbers is not supported");
    } else if (owner instanceof Loop loop) {
      return loop.attribute(name);
    } else if (owner instanceof Namespace namespace && namespace.attributes().containsKey(name)) {
      return namespace.attributes().get(name);
    }
    return method.isPresent() ? method.get() : Arguments.ABSENT;
  }

  static Object slice(Object owner, Long from, Long to, Long step, Budget budget) {
    long stride = step == null ? 1 : Math.max(-LONGEST, Math.min(LONGEST, step));
    if (stride == 0) {
      throw new JinjaException("slice step cannot be zero");
    }
    if (owner instanceof String text) {
      budget.text(text.length());
      if (stride == 1) {
        int length = PythonText.length(text);
        return PythonText.slice(text, start(from, length, 1), stop(to, length, 1));
      }
      budget.elements(4L * text.length());
      StringBuilder cut = new StringBuilder();
      sliced(PythonText.characters(text), from, to, stride).forEach(cut::append);
      return cut.toString();
    } else if (owner instanceof List<?> list) {
      budget.elements(list.size());
      List<Object> cut = sliced(list, from, to, stride);
      return owner instanceof Tuple ? new Tuple(cut) : cut;
    }
    throw Values.undefinedOr(owner, null, "a " + Values.typeName(owner) + " cannot be sliced");
  }

  private static List<Object> sliced(List<?> list, Long from, Long to, long step) {
    int stop = stop(to, list.size(), step);
    List<Object> cut = new ArrayList<>();
    for (long i = start(from, list.size(), step); step > 0 ? i < stop : i > stop; i += step) {
      cut.add(list.get((int) i));
    }
    return cut;
  }

  private static int start(Long from, int size, long step) {
    return from == null ? (step > 0 ? 0 : size - 1) : clamped(from, size, step);
  }

  private static int stop(Long to, int size, long step) {
    return to == null ? (step > 0 ? size : -1) : clamped(to, size, step);
  }

  private static int clamped(long bound, int size, long step) {
    long at = bound < 0 ? bound + size : bound;
    return (int) Math.max(step > 0 ? 0 : -1, Math.min(step > 0 ? size : size - 1, at));
  }
}
