package org.autodidact.engine.config;

import java.lang.reflect.RecordComponent;
import java.lang.reflect.Type;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.Setting;
import org.autodidact.api.Settings;
import org.autodidact.engine.text.EnumNames;

/**
 * An option that a component of a record declares by {@link Setting}.
 *
 * @param key in YAML, and after {@code --} on the command line
 * @param type of its value; a wrapper where the component is primitive
 * @param component its name in {@code record}
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public record DeclaredOption(
    String key, Type type, Setting setting, Class<? extends Record> record, String component) {

  /** The options of a record, in its order; their keys begin with {@code prefix}. */
  public static List<DeclaredOption> of(Class<? extends Record> record, String prefix) {
    List<DeclaredOption> options = new ArrayList<>();
    for (RecordComponent component : record.getRecordComponents()) {
      Setting setting = component.getAnnotation(Setting.class);
      if (setting != null) {
        String key = prefix + Settings.key(component.getName());
        Type type = RecordReader.wrapped(component.getGenericType());
        options.add(new DeclaredOption(key, type, setting, record, component.getName()));
      }
    }
    return options;
  }

  /** The constants that the value can be; empty where it is no constant. */
  public List<String> constants() {
    if (type instanceof Class<?> c && c.isEnum()) {
      return Arrays.stream(c.getEnumConstants()).map(e -> EnumNames.of((Enum<?>) e)).toList();
    }
    return type instanceof Class<?> c
        ? Settings.known(c).stream().map(Record::toString).toList()
        : List.of();
  }

  /** The value where the option is not set, in words; {@code defaults} has the others. */
  public String defaultText(Record defaults) {
    return setting.byDefault().isEmpty()
        ? text(Settings.values(defaults).get(component))
        : setting.byDefault();
  }

  private static String text(Object value) {
    return value instanceof Enum<?> constant
        ? EnumNames.of(constant)
        : value.toString().toLowerCase(Locale.ROOT).replaceFirst("\\.0(?=e|$)", "");
  }
}
