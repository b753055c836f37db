package org.autodidact.api;

import java.lang.reflect.Constructor;
import java.lang.reflect.InaccessibleObjectException;
import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Records whose components are {@linkplain Setting settings}: their keys, checks and copies.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class Settings {
  private Settings() {}

  /** The key of a component: its name in lower case with hyphens. */
  public static String key(String component) {
    return component.replaceAll("([A-Z])", "-$1").toLowerCase(Locale.ROOT);
  }

  /** A constant as configurations write it: in lower case with hyphens. */
  public static String name(Enum<?> constant) {
    return constant.name().toLowerCase(Locale.ROOT).replace('_', '-');
  }

  /**
   * Whether a type's values are names, some of which are known: {@link TrainingSettings.Loss},
   * {@link TrainingSettings.Optimizer} and {@link ComputeSettings.Precision}.
   */
  public static boolean isName(Class<?> type) {
    return !known(type).isEmpty();
  }

  /** The known values of such a type; empty for other types. */
  public static List<? extends Record> known(Class<?> type) {
    if (type == TrainingSettings.Loss.class) {
      return TrainingSettings.Loss.KNOWN;
    }
    if (type == TrainingSettings.Optimizer.class) {
      return TrainingSettings.Optimizer.KNOWN;
    }
    return type == ComputeSettings.Precision.class ? ComputeSettings.Precision.KNOWN : List.of();
  }

  /** Checks a name of a loss, an optimizer or a precision. */
  static void checkName(String what, String name) {
    if (!name.matches("[a-z0-9]+(-[a-z0-9]+)*")) {
      throw new InvalidInputException(
          what
              + " must be a name of lower-case letters, digits and hyphens, found '"
              + ShownText.of(name, 60)
              + "'");
    }
  }

  /**
   * Checks the components of a record, in its constructor, against their ranges.
   *
   * @param values all components, in their order
   * @throws InvalidInputException where one is out of its range
   */
  static void check(Class<? extends Record> type, String prefix, Object... values) {
    RecordComponent[] components = type.getRecordComponents();
    if (values.length != components.length) {
      throw new IllegalArgumentException(type + " has " + components.length + " components");
    }
    for (int i = 0; i < values.length; i++) {
      Setting setting = components[i].getAnnotation(Setting.class);
      if (setting != null && values[i] instanceof Number number) {
        check(prefix + key(components[i].getName()), setting, number);
      }
    }
  }

  /**
   * Checks a number against the range of a setting.
   *
   * @param name of the setting, for the message
   * @throws InvalidInputException where it is out of the range
   */
  public static void check(String name, Setting setting, Number number) {
    String range = setting.range();
    if (range.isEmpty()) {
      return;
    }
    String[] ends = range.substring(1, range.length() - 1).split(", ");
    double value = number.doubleValue();
    double least = Double.parseDouble(ends[0]);
    double most = Double.parseDouble(ends[1]);
    boolean above = range.startsWith("(");
    boolean below = range.endsWith(")");
    if (!((above ? value > least : value >= least) && (below ? value < most : value <= most))) {
      throw new InvalidInputException(
          name
              + " must be "
              + (above ? "above " : "at least ")
              + ends[0]
              + (below ? " and below " : " and at most ")
              + ends[1]
              + ", found "
              + number);
    }
  }

  /** The components of a record by name. */
  public static Map<String, Object> values(Record record) {
    Map<String, Object> values = new LinkedHashMap<>();
    for (RecordComponent component : record.getClass().getRecordComponents()) {
      try {
        component.getAccessor().setAccessible(true); // a plugin's options may be a private record
        values.put(component.getName(), component.getAccessor().invoke(record));
      } catch (IllegalAccessException | InvocationTargetException e) {
        throw new IllegalArgumentException(record.getClass() + " cannot be read", e);
      }
    }
    return values;
  }

  /** A record with another value of one component. */
  @SuppressWarnings("unchecked") // the class of a record is that of its values
  public static <R extends Record> R with(R record, String component, Object value) {
    Map<String, Object> values = values(record);
    values.put(component, value);
    return create((Class<R>) record.getClass(), values);
  }

  /**
   * A record made of its components' values.
   *
   * @param values by component; a number is 0, a truth value false and an Optional empty where its
   *     value is missing
   */
  public static <R extends Record> R create(Class<R> type, Map<String, ?> values) {
    RecordComponent[] components = type.getRecordComponents();
    Object[] arguments =
        Arrays.stream(components)
            .map(c -> values.containsKey(c.getName()) ? values.get(c.getName()) : none(c.getType()))
            .toArray();
    try {
      Constructor<R> constructor =
          type.getDeclaredConstructor(
              Arrays.stream(components).map(RecordComponent::getType).toArray(Class<?>[]::new));
      constructor.setAccessible(true); // a plugin's options may be a private record
      return constructor.newInstance(arguments);
    } catch (InvocationTargetException e) {
      if (e.getCause() instanceof RuntimeException cause) {
        throw cause;
      }
      throw new IllegalArgumentException(type + " cannot be made", e);
    } catch (InaccessibleObjectException e) {
      throw new InvalidInputException(
          type.getName()
              + " cannot be read: its module must say 'opens "
              + type.getPackageName()
              + " to org.autodidact.api;'",
          e);
    } catch (ReflectiveOperationException e) {
      throw new IllegalArgumentException(type + " cannot be made", e);
    }
  }

  private static Object none(Class<?> type) {
    if (type == Optional.class) {
      return Optional.empty();
    }
    if (type == boolean.class) {
      return false;
    }
    return type == double.class ? (Object) 0.0 : type == int.class ? (Object) 0 : null;
  }
}
