package org.autodidact.checkpoints.jinja;

import java.time.ZonedDateTime;
import java.util.LinkedHashMap;
import java.util.Map;

/** The functions that Jinja2 and Transformers give to templates. */
final class Functions {
  private Functions() {}

  /** Puts them into a scope that all others are inside of. */
  static void putInto(Scope scope) {
    scope.set("range", (Callable) Functions::range);
    scope.set("namespace", (Callable) (frame, arguments) -> new Namespace(dict(arguments, true)));
    scope.set("dict", (Callable) (frame, arguments) -> dict(arguments, false));
    scope.set("raise_exception", (Callable) Functions::raise);
    scope.set("strftime_now", (Callable) Functions::now);
    for (String name : new String[] {"cycler", "joiner", "lipsum", "self"}) {
      scope.set(
          name,
          (Callable)
              (frame, arguments) -> {
                throw new JinjaException("the function '" + name + "' is not supported");
              });
    }
  }

  private static Object range(Frame frame, Arguments arguments) {
    Object[] given = arguments.bind(1, "start", "stop", "step");
    long first = Values.toLong(given[0]);
    return given[1] == Arguments.ABSENT
        ? new Range(0, first, 1)
        : new Range(first, Values.toLong(given[1]), Values.toLong(Arguments.or(given[2], 1L)));
  }

  private static Map<Object, Object> dict(Arguments arguments, boolean namespace) {
    Map<Object, Object> map = new LinkedHashMap<>();
    for (Object given : arguments.positional()) {
      if (!(given instanceof Map<?, ?> other)) {
        throw new JinjaException(arguments.owner() + " takes a dict or names with values");
      }
      map.putAll(other);
    }
    map.putAll(arguments.named());
    if (namespace) {
      Namespace checked = new Namespace(new LinkedHashMap<>());
      map.forEach((name, value) -> checked.set(Values.toText(name), value));
    }
    return map;
  }

  private static Object raise(Frame frame, Arguments arguments) {
    throw JinjaException.raised(frame.text(arguments.bind(1, "message")[0]));
  }

  private static Object now(Frame frame, Arguments arguments) {
    String format = Values.toText(arguments.bind(1, "format")[0]);
    return Strftime.format(format, ZonedDateTime.now(frame.rendering.clock));
  }
}
