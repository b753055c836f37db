package org.autodidact.checkpoints.jinja;

import java.math.BigDecimal;
import java.math.RoundingMode;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.Iterator;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.NoSuchElementException;
import java.util.Set;
import java.util.function.Function;
import java.util.function.Predicate;

/** Jinja's filters: what stands after {@code |}. */
final class Filters {
  @FunctionalInterface
  private interface Filter {
    Object of(Frame frame, Object value, Arguments arguments);
  }

  /** What Jinja has and chat templates have no use for. */
  private static final Set<String> UNSUPPORTED =
      Set.of(
          "attr",
          "e",
          "escape",
          "filesizeformat",
          "forceescape",
          "groupby",
          "pprint",
          "random",
          "slice",
          "striptags",
          "urlencode",
          "urlize",
          "wordwrap",
          "xmlattr");

  private static final Map<String, Filter> FILTERS =
      Map.ofEntries(
          Map.entry("abs", Filters::abs),
          Map.entry("batch", Filters::batch),
          text("capitalize", TextMethods::capitalize),
          text("lower", text -> text.toLowerCase(Locale.ROOT)),
          text("upper", text -> text.toUpperCase(Locale.ROOT)),
          text("string", text -> text),
          // Marks a text as needing no HTML escapes, and nothing here escapes any; the parser
          // refuses the one use that differs.
          Map.entry("safe", (frame, value, arguments) -> frame.text(value)),
          text("title", Filters::title),
          text("wordcount", text -> (long) words(text)),
          Map.entry("center", Filters::center),
          Map.entry("count", Filters::length),
          Map.entry("length", Filters::length),
          Map.entry("d", Filters::otherwise),
          Map.entry("default", Filters::otherwise),
          Map.entry("dictsort", Filters::dictsort),
          Map.entry("first", (frame, value, arguments) -> end(frame, value, arguments, true)),
          Map.entry("last", (frame, value, arguments) -> end(frame, value, arguments, false)),
          Map.entry("float", Filters::toFloat),
          Map.entry("int", Filters::toInteger),
          Map.entry("format", Filters::format),
          Map.entry("indent", Filters::indent),
          Map.entry("items", Filters::items),
          Map.entry("join", Filters::join),
          Map.entry(
              "list",
              (frame, value, arguments) -> new ArrayList<>(Values.list(value, frame.budget()))),
          Map.entry("map", Filters::map),
          Map.entry("max", (frame, value, arguments) -> extreme(frame, value, arguments, 1)),
          Map.entry("min", (frame, value, arguments) -> extreme(frame, value, arguments, -1)),
          Map.entry("reject", (f, value, arguments) -> select(f, value, arguments, false, false)),
          Map.entry("select", (f, value, arguments) -> select(f, value, arguments, true, false)),
          Map.entry("rejectattr", (f, v, arguments) -> select(f, v, arguments, false, true)),
          Map.entry("selectattr", (f, v, arguments) -> select(f, v, arguments, true, true)),
          Map.entry("replace", Filters::replace),
          Map.entry("reverse", Filters::reverse),
          Map.entry("round", Filters::round),
          Map.entry("sort", Filters::sort),
          Map.entry("sum", Filters::sum),
          Map.entry(
              "tojson", (frame, value, arguments) -> Json.write(value, arguments, frame.budget())),
          Map.entry("trim", Filters::trim),
          Map.entry("truncate", Filters::truncate),
          Map.entry("unique", Filters::unique));

  private Filters() {}

  private static Map.Entry<String, Filter> text(String name, Function<String, Object> change) {
    return Map.entry(
        name,
        (frame, value, arguments) -> {
          arguments.bind();
          String text = frame.text(value);
          frame.budget().text(text.length());
          return change.apply(text);
        });
  }

  static boolean isKnown(String name) {
    return FILTERS.containsKey(name);
  }

  static Object apply(String name, Frame frame, Object value, Arguments arguments) {
    Filter filter = FILTERS.get(name);
    if (filter == null) {
      throw new JinjaException(unknown(name));
    }
    return filter.of(frame, value, arguments);
  }

  static String unknown(String name) {
    return UNSUPPORTED.contains(name)
        ? "the filter '" + name + "' is not supported"
        : "no filter is named '" + name + "'";
  }

  /** The items that pass, tested as they are asked for. */
  static Lazy lazy(Iterator<Object> items, Budget budget, Predicate<Object> test) {
    return new Lazy(
        new Iterator<>() {
          private Object next = Arguments.ABSENT;

          @Override
          public boolean hasNext() {
            while (next == Arguments.ABSENT && items.hasNext()) {
              budget.step();
              Object item = items.next();
              if (test.test(item)) {
                next = item;
              }
            }
            return next != Arguments.ABSENT;
          }

          @Override
          public Object next() {
            if (!hasNext()) {
              throw new NoSuchElementException();
            }
            Object item = next;
            next = Arguments.ABSENT;
            return item;
          }
        });
  }

  private static Lazy mapped(
      Iterator<Object> items, Budget budget, Function<Object, Object> change) {
    return new Lazy(
        new Iterator<>() {
          @Override
          public boolean hasNext() {
            return items.hasNext();
          }

          @Override
          public Object next() {
            budget.step();
            return change.apply(items.next());
          }
        });
  }

  private static Object abs(Frame frame, Object value, Arguments arguments) {
    arguments.bind();
    if (value instanceof Double number) {
      return Math.abs(number);
    }
    long number = Values.toLong(value);
    return number < 0 ? Arithmetic.negated(number) : (Object) number;
  }

  private static Object batch(Frame frame, Object value, Arguments arguments) {
    Object[] given = arguments.bind(1, "linecount", "fill_with");
    int size = (int) Math.max(1, Math.min(Integer.MAX_VALUE, Values.toLong(given[0])));
    List<Object> items = Values.list(value, frame.budget());
    frame.budget().elements(2L * items.size());
    List<Object> batches = new ArrayList<>();
    for (int from = 0; from < items.size(); from += size) {
      List<Object> batch =
          new ArrayList<>(items.subList(from, Math.min(items.size(), from + size)));
      Object fill = Arguments.or(given[1], null);
      if (fill != null) {
        frame.budget().elements(size - batch.size());
        while (batch.size() < size) {
          batch.add(fill);
        }
      }
      batches.add(batch);
    }
    return new Lazy(batches.iterator());
  }

  /** As Jinja2: a word begins after white space, a hyphen or an opening bracket. */
  private static String title(String text) {
    StringBuilder result = new StringBuilder();
    boolean begins = true;
    for (int c : text.codePoints().toArray()) {
      String character = Character.toString(c);
      boolean between = PythonText.isSpace(c) || "-({[<".indexOf(c) >= 0;
      result.append(
          begins ? character.toUpperCase(Locale.ROOT) : character.toLowerCase(Locale.ROOT));
      begins = between;
    }
    return result.toString();
  }

  private static int words(String text) {
    int words = 0;
    boolean inside = false;
    for (int c : text.codePoints().toArray()) {
      boolean word = c == '_' || Character.isLetterOrDigit(c);
      words += word && !inside ? 1 : 0;
      inside = word;
    }
    return words;
  }

  private static Object center(Frame frame, Object value, Arguments arguments) {
    Object width = Arguments.or(arguments.bind("width")[0], 80L);
    return TextMethods.find(frame.text(value), "center")
        .orElseThrow()
        .call(frame, new Arguments("center", List.of(width), Map.of()));
  }

  private static Object length(Frame frame, Object value, Arguments arguments) {
    arguments.bind();
    return Values.length(value, frame.budget());
  }

  private static Object otherwise(Frame frame, Object value, Arguments arguments) {
    Object[] given = arguments.bind("default_value", "boolean");
    boolean falsy = Values.truth(Arguments.or(given[1], false)) && !Values.truth(value);
    return value instanceof Undefined || falsy ? Arguments.or(given[0], "") : value;
  }

  private static Object dictsort(Frame frame, Object value, Arguments arguments) {
    Object[] given = arguments.bind("case_sensitive", "by", "reverse");
    if (!(value instanceof Map<?, ?> map)) {
      throw Values.undefinedOr(value, null, "dictsort needs a dict");
    }
    String by = Values.toText(Arguments.or(given[1], "key"));
    if (!by.equals("key") && !by.equals("value")) {
      throw new JinjaException("dictsort: 'by' is 'key' or 'value', found '" + by + "'");
    }
    int part = by.equals("key") ? 0 : 1;
    boolean cased = Values.truth(Arguments.or(given[0], false));
    List<Object> pairs = CollectionMethods.items(map, frame.budget());
    order(
        pairs,
        pair -> ((Tuple) pair).get(part),
        cased,
        Values.truth(Arguments.or(given[2], false)),
        frame.budget());
    return pairs;
  }

  /** Python's stable sort; texts by lower case unless {@code cased}. */
  private static void order(
      List<Object> items,
      Function<Object, Object> key,
      boolean cased,
      boolean reverse,
      Budget budget) {
    Comparator<Object> order =
        (a, b) -> Values.compare(folded(key.apply(a), cased), folded(key.apply(b), cased), budget);
    items.sort(reverse ? order.reversed() : order);
  }

  private static Object folded(Object value, boolean cased) {
    return !cased && value instanceof String text ? text.toLowerCase(Locale.ROOT) : value;
  }

  private static Object end(Frame frame, Object value, Arguments arguments, boolean first) {
    arguments.bind();
    if (first) {
      Iterator<Object> items = Values.iterate(value, frame.budget());
      return items.hasNext() ? items.next() : new Undefined("there is no first item, it is empty");
    } else if (value instanceof Lazy) {
      throw new JinjaException("a generator has no last item; make it a list first");
    }
    List<Object> items = Values.list(value, frame.budget());
    return items.isEmpty()
        ? new Undefined("there is no last item, it is empty")
        : items.get(items.size() - 1);
  }

  private static Object toFloat(Frame frame, Object value, Arguments arguments) {
    Object otherwise = Arguments.or(arguments.bind("default")[0], 0.0);
    if (Values.isNumber(value)) {
      return Values.toDouble(value);
    }
    Object parsed = value instanceof String text ? parsedFloat(text) : null;
    return parsed == null ? undefinedFails(value, otherwise) : parsed;
  }

  private static Double parsedFloat(String text) {
    String number = TextMethods.strip(text, null, true, true).toLowerCase(Locale.ROOT);
    if (number.length() > 400) {
      return null;
    }
    if (number.matches("[+-]?(inf|infinity)")) {
      return number.startsWith("-") ? Double.NEGATIVE_INFINITY : Double.POSITIVE_INFINITY;
    } else if (number.matches("[+-]?nan")) {
      return Double.NaN;
    }
    return number.matches("[+-]?(\\d+\\.?\\d*|\\.\\d+)(e[+-]?\\d+)?")
        ? Double.valueOf(number)
        : null;
  }

  private static Object undefinedFails(Object value, Object otherwise) {
    if (value instanceof Undefined undefined) {
      throw undefined.error();
    }
    return otherwise;
  }

  private static Object toInteger(Frame frame, Object value, Arguments arguments) {
    Object[] given = arguments.bind("default", "base");
    Object otherwise = Arguments.or(given[0], 0L);
    int base = (int) Values.toLong(Arguments.or(given[1], 10L));
    if (value instanceof String text) {
      String number = TextMethods.strip(text, null, true, true).replace("_", "");
      try {
        return Long.parseLong(base == 16 ? number.replaceFirst("^0[xX]", "") : number, base);
      } catch (NumberFormatException e) {
        Double parsed = parsedFloat(text);
        return parsed == null || parsed.isNaN() || parsed.isInfinite()
            ? otherwise
            : (Object) parsed.longValue();
      }
    } else if (value instanceof Double number) {
      return number.isNaN() || number.isInfinite() ? otherwise : (Object) number.longValue();
    }
    return Values.isNumber(value) ? Values.toLong(value) : undefinedFails(value, otherwise);
  }

  private static Object format(Frame frame, Object value, Arguments arguments) {
    if (!arguments.named().isEmpty()) {
      throw new JinjaException("the filter 'format' with names is not supported");
    }
    return Printf.format(frame.text(value), new Tuple(arguments.positional()), frame.budget());
  }

  private static Object indent(Frame frame, Object value, Arguments arguments) {
    Object[] given = arguments.bind("width", "first", "blank");
    Object width = Arguments.or(given[0], 4L);
    String indent =
        width instanceof String text
            ? text
            : " ".repeat((int) Math.max(0, Math.min(10_000, Values.toLong(width))));
    boolean blank = Values.truth(Arguments.or(given[2], false));
    frame.budget().text(Values.toText(value).length());
    List<Object> lines = TextMethods.splitLines(Values.toText(value) + "\n", false);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < lines.size(); i++) {
      String line = (String) lines.get(i);
      boolean indented =
          i == 0 ? Values.truth(Arguments.or(given[1], false)) : blank || !line.isEmpty();
      frame.budget().text(indent.length() + line.length());
      text.append(i > 0 ? "\n" : "").append(indented ? indent : "").append(line);
    }
    return text.toString();
  }

  private static Object items(Frame frame, Object value, Arguments arguments) {
    arguments.bind();
    if (value instanceof Undefined) {
      return new Lazy(List.<Object>of().iterator());
    } else if (value instanceof Map<?, ?> map) {
      return new Lazy(CollectionMethods.items(map, frame.budget()).iterator());
    }
    throw new JinjaException("'items' needs a dict, found a " + Values.typeName(value));
  }

  private static Object join(Frame frame, Object value, Arguments arguments) {
    Object[] given = arguments.bind("d", "attribute");
    String separator = frame.text(Arguments.or(given[0], ""));
    Object attribute = Arguments.or(given[1], null);
    StringBuilder text = new StringBuilder();
    boolean first = true;
    for (Object item : Values.list(value, frame.budget())) {
      String part =
          frame.text(attribute == null ? item : path(item, attribute, null, frame.budget()));
      frame.budget().text(separator.length() + part.length());
      text.append(first ? "" : separator).append(part);
      first = false;
    }
    return text.toString();
  }

  /** {@code item.a.b} for the path "a.b"; parts that are integers are indexes. */
  private static Object path(Object item, Object path, Object otherwise, Budget budget) {
    Object value = item;
    for (String part : path.toString().split("\\.", -1)) {
      value =
          Attributes.item(
              value, part.matches("\\d{1,9}") ? (Object) Long.valueOf(part) : part, budget);
      if (otherwise != null && value instanceof Undefined) {
        value = otherwise;
      }
    }
    return value;
  }

  private static Object map(Frame frame, Object value, Arguments arguments) {
    if (!Values.truth(value) && !(value instanceof Lazy)) {
      return new Lazy(List.<Object>of().iterator());
    }
    Iterator<Object> items = Values.iterate(value, frame.budget());
    if (arguments.positional().isEmpty()) {
      Object[] given = arguments.bind("attribute", "default");
      if (given[0] == Arguments.ABSENT) {
        throw new JinjaException("map needs a filter's name or an attribute");
      }
      return mapped(
          items,
          frame.budget(),
          item -> path(item, given[0], Arguments.or(given[1], null), frame.budget()));
    }
    String name = Values.toText(arguments.positional().get(0));
    Arguments rest = arguments.rest("the filter '" + name + "'");
    return mapped(items, frame.budget(), item -> apply(name, frame, item, rest));
  }

  private static Object extreme(Frame frame, Object value, Arguments arguments, int sign) {
    Object[] given = arguments.bind("case_sensitive", "attribute");
    boolean cased = Values.truth(Arguments.or(given[0], false));
    Object attribute = Arguments.or(given[1], null);
    Object best = Arguments.ABSENT;
    Object bestKey = null;
    for (Object item : Values.list(value, frame.budget())) {
      Object key =
          folded(attribute == null ? item : path(item, attribute, null, frame.budget()), cased);
      if (best == Arguments.ABSENT || sign * Values.compare(key, bestKey, frame.budget()) > 0) {
        best = item;
        bestKey = key;
      }
    }
    return best == Arguments.ABSENT ? new Undefined("there is no item, it is empty") : best;
  }

  private static Object select(
      Frame frame, Object value, Arguments arguments, boolean wanted, boolean byAttribute) {
    Arguments left = arguments;
    Object attribute = null;
    if (byAttribute) {
      if (left.positional().isEmpty()) {
        throw new JinjaException(arguments.owner() + " needs an attribute");
      }
      attribute = left.positional().get(0);
      left = left.rest(left.owner());
    }
    String test = left.positional().isEmpty() ? "" : Values.toText(left.positional().get(0));
    Arguments rest = test.isEmpty() ? left : left.rest("the test '" + test + "'");
    Object path = attribute;
    if (!Values.truth(value) && !(value instanceof Lazy)) {
      return new Lazy(List.<Object>of().iterator());
    }
    return lazy(
        Values.iterate(value, frame.budget()),
        frame.budget(),
        item -> {
          Object tested = path == null ? item : path(item, path, null, frame.budget());
          return wanted
              == (test.isEmpty() ? Values.truth(tested) : Tests.apply(test, frame, tested, rest));
        });
  }

  private static Object replace(Frame frame, Object value, Arguments arguments) {
    Object[] given = arguments.bind(2, "old", "new", "count");
    Object count = Arguments.or(given[2], null);
    return TextMethods.replace(
        frame.text(value),
        frame.text(given[0]),
        frame.text(given[1]),
        count == null ? -1 : Values.toLong(count),
        frame.budget());
  }

  private static Object reverse(Frame frame, Object value, Arguments arguments) {
    arguments.bind();
    List<Object> items = new ArrayList<>(Values.list(value, frame.budget()));
    frame.budget().elements(items.size());
    java.util.Collections.reverse(items);
    if (value instanceof String) {
      StringBuilder text = new StringBuilder();
      items.forEach(text::append);
      return text.toString();
    }
    return value instanceof Lazy ? items : new Lazy(items.iterator());
  }

  private static Object round(Frame frame, Object value, Arguments arguments) {
    Object[] given = arguments.bind("precision", "method");
    int precision = (int) Math.max(-300, Math.min(300, Values.toLong(Arguments.or(given[0], 0L))));
    String method = Values.toText(Arguments.or(given[1], "common"));
    if (!Values.isNumber(value)) {
      throw Values.undefinedOr(value, null, "'round' needs a number");
    }
    double number = Values.toDouble(value);
    if (!Double.isFinite(number)) {
      return number;
    }
    switch (method) {
      case "common" -> {
        double rounded =
            new BigDecimal(number).setScale(precision, RoundingMode.HALF_EVEN).doubleValue();
        return Values.isInteger(value) ? (Object) (long) rounded : (Object) rounded;
      }
      case "ceil" -> {
        return Math.ceil(number * Math.pow(10, precision)) / Math.pow(10, precision);
      }
      case "floor" -> {
        return Math.floor(number * Math.pow(10, precision)) / Math.pow(10, precision);
      }
      default ->
          throw new JinjaException(
              "round: the method is 'common', 'ceil' or 'floor', found '" + method + "'");
    }
  }

  private static Object sort(Frame frame, Object value, Arguments arguments) {
    Object[] given = arguments.bind("reverse", "case_sensitive", "attribute");
    Object attribute = Arguments.or(given[2], null);
    List<Object> items = new ArrayList<>(Values.list(value, frame.budget()));
    frame.budget().elements(items.size());
    order(
        items,
        item -> {
          if (attribute == null) {
            return item;
          }
          List<Object> keys = new ArrayList<>();
          for (String path : attribute.toString().split(",", -1)) {
            keys.add(
                folded(
                    path(item, path, null, frame.budget()),
                    Values.truth(Arguments.or(given[1], false))));
          }
          return keys;
        },
        Values.truth(Arguments.or(given[1], false)),
        Values.truth(Arguments.or(given[0], false)),
        frame.budget());
    return items;
  }

  private static Object sum(Frame frame, Object value, Arguments arguments) {
    Object[] given = arguments.bind("attribute", "start");
    Object attribute = Arguments.or(given[0], null);
    Object sum = Arguments.or(given[1], 0L);
    for (Object item : Values.list(value, frame.budget())) {
      Object added = attribute == null ? item : path(item, attribute, null, frame.budget());
      sum = Arithmetic.apply("+", sum, added, frame.budget());
    }
    return sum;
  }

  private static Object trim(Frame frame, Object value, Arguments arguments) {
    Object characters = arguments.bind("chars")[0];
    String text = frame.text(value);
    frame.budget().text(text.length());
    return TextMethods.strip(text, characters, true, true);
  }

  private static Object truncate(Frame frame, Object value, Arguments arguments) {
    Object[] given = arguments.bind("length", "killwords", "end", "leeway");
    String text = Values.toText(value);
    String end = Values.toText(Arguments.or(given[2], "..."));
    long length = Values.toLong(Arguments.or(given[0], 255L));
    Object leeway = Arguments.or(given[3], null);
    long allowed = leeway == null ? 5 : Values.toLong(leeway);
    if (length < PythonText.length(end) || allowed < 0) {
      throw new JinjaException("truncate: the length must be at least that of the end");
    }
    frame.budget().text(text.length());
    if (PythonText.length(text) <= length + allowed) {
      return text;
    }
    String cut = PythonText.slice(text, 0, (int) length - PythonText.length(end));
    int space = cut.lastIndexOf(' ');
    boolean inWord = Values.truth(Arguments.or(given[1], false)) || space < 0;
    return (inWord ? cut : cut.substring(0, space)) + end;
  }

  private static Object unique(Frame frame, Object value, Arguments arguments) {
    Object[] given = arguments.bind("case_sensitive", "attribute");
    boolean cased = Values.truth(Arguments.or(given[0], false));
    Object attribute = Arguments.or(given[1], null);
    Set<Object> seen = new LinkedHashSet<>();
    return lazy(
        Values.iterate(value, frame.budget()),
        frame.budget(),
        item ->
            seen.add(
                Values.key(
                    folded(
                        attribute == null ? item : path(item, attribute, null, frame.budget()),
                        cased))));
  }
}
