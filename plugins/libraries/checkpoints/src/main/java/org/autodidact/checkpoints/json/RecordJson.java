package org.autodidact.checkpoints.json;

import java.lang.reflect.InvocationTargetException;
import java.lang.reflect.RecordComponent;
import java.nio.file.Path;
import java.util.Collection;
import java.util.LinkedHashMap;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import org.autodidact.api.Settings;

/**
 * Records as what JSON is made of: maps by the components' names, in their order; lists, numbers,
 * texts, truth values. What is empty is left out, so that a component that is new, and empty,
 * leaves the JSON of a record as it was. For what is to be compared later and by others; no Java
 * syntax.
 */
public final class RecordJson {
  private RecordJson() {}

  /** What a record, or a value in one, is in JSON. */
  public static Object json(Object value) {
    if (value instanceof Record record && !Settings.isName(record.getClass())) {
      Map<String, Object> fields = new LinkedHashMap<>();
      for (RecordComponent component : record.getClass().getRecordComponents()) {
        Object found = value(record, component);
        if (!isEmpty(found)) {
          fields.put(component.getName(), json(found));
        }
      }
      return fields;
    }
    if (value instanceof Optional<?> optional) {
      return json(optional.orElseThrow());
    }
    if (value instanceof OptionalInt optional) {
      return optional.getAsInt();
    }
    if (value instanceof OptionalDouble optional) {
      return optional.getAsDouble();
    }
    if (value instanceof Collection<?> all) {
      return all.stream().map(RecordJson::json).toList();
    }
    if (value instanceof Map<?, ?> map) {
      Map<String, Object> fields = new LinkedHashMap<>();
      map.forEach((key, found) -> fields.put(key.toString(), json(found)));
      return fields;
    }
    if (value instanceof Record name) {
      return name.toString().toUpperCase(Locale.ROOT).replace('-', '_'); // as an enum's constant
    }
    return value instanceof Enum<?> || value instanceof Path
        ? value.toString()
        : Objects.requireNonNull(value);
  }

  private static boolean isEmpty(Object value) {
    return value instanceof Optional<?> optional && optional.isEmpty()
        || value instanceof OptionalInt number && number.isEmpty()
        || value instanceof OptionalDouble other && other.isEmpty()
        || value instanceof Collection<?> all && all.isEmpty();
  }

  private static Object value(Record record, RecordComponent component) {
    try {
      component.getAccessor().setAccessible(true);
      return component.getAccessor().invoke(record);
    } catch (IllegalAccessException | InvocationTargetException e) {
      throw new IllegalArgumentException(record.getClass() + " cannot be read", e);
    }
  }
}
