package org.autodidact.checkpoints;

import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.regex.Pattern;
import jinjava.javax.el.ELContext;
import jinjava.javax.el.ELResolver;

/** Gives texts in a template Python's methods, which templates call, in place of Java's. */
final class PythonStrings extends ELResolver {
  @Override
  public Object invoke(
      ELContext context, Object base, Object method, Class<?>[] types, Object[] arguments) {
    if (!(base instanceof String text)) {
      return null;
    }
    Object result = call(text, String.valueOf(method), arguments);
    if (result != null) {
      context.setPropertyResolved(true);
    }
    return result;
  }

  /** The method's result, or null where templates are not known to call it. */
  private static Object call(String text, String method, Object[] arguments) {
    String first = arguments.length > 0 && arguments[0] != null ? arguments[0].toString() : "";
    return switch (method) {
      case "startswith" -> text.startsWith(first);
      case "endswith" -> text.endsWith(first);
      case "strip" -> strip(text, first, true, true);
      case "lstrip" -> strip(text, first, true, false);
      case "rstrip" -> strip(text, first, false, true);
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "split" -> split(text, first);
      default -> null;
    };
  }

  private static String strip(String text, String characters, boolean left, boolean right) {
    int from = 0;
    int to = text.length();
    while (left && from < to && isStripped(text.charAt(from), characters)) {
      from++;
    }
    while (right && to > from && isStripped(text.charAt(to - 1), characters)) {
      to--;
    }
    return text.substring(from, to);
  }

  private static boolean isStripped(char c, String characters) {
    return characters.isEmpty() ? Character.isWhitespace(c) : characters.indexOf(c) >= 0;
  }

  private static List<String> split(String text, String separator) {
    return separator.isEmpty()
        ? Arrays.asList(text.strip().split("\\s+"))
        : Arrays.asList(text.split(Pattern.quote(separator), -1));
  }

  @Override
  public Object getValue(ELContext context, Object base, Object property) {
    return null;
  }

  @Override
  public Class<?> getType(ELContext context, Object base, Object property) {
    return null;
  }

  @Override
  public void setValue(ELContext context, Object base, Object property, Object value) {}

  @Override
  public boolean isReadOnly(ELContext context, Object base, Object property) {
    return true;
  }

  @Override
  public java.util.Iterator<java.beans.FeatureDescriptor> getFeatureDescriptors(
      ELContext context, Object base) {
    return java.util.Collections.emptyIterator();
  }

  @Override
  public Class<?> getCommonPropertyType(ELContext context, Object base) {
    return null;
  }
}
