package org.autodidact.checkpoints.jinja;

import java.util.Map;

/** Jinja's tests: what stands after {@code is}. */
final class Tests {
  @FunctionalInterface
  private interface Check {
    boolean of(Frame frame, Object value, Arguments arguments);
  }

  private static final Map<String, Check> CHECKS =
      Map.ofEntries(
          plain("defined", value -> !(value instanceof Undefined)),
          plain("undefined", value -> value instanceof Undefined),
          plain("none", value -> value == null),
          plain("true", value -> Boolean.TRUE.equals(value)),
          plain("false", value -> Boolean.FALSE.equals(value)),
          plain("boolean", value -> value instanceof Boolean),
          plain("string", value -> value instanceof String),
          plain("number", Values::isNumber),
          plain("integer", value -> value instanceof Long),
          plain("float", value -> value instanceof Double),
          plain("mapping", value -> value instanceof Map),
          plain("iterable", value -> Values.isIterable(value) || value instanceof Loop),
          plain("sequence", value -> Values.isIterable(value) && !(value instanceof Lazy)),
          plain("callable", value -> value instanceof Callable || value instanceof Undefined),
          plain("odd", value -> parity(value) == 1),
          plain("even", value -> parity(value) == 0),
          plain("escaped", value -> false),
          Map.entry(
              "lower", (frame, value, arguments) -> TextMethods.isCase(frame.text(value), true)),
          Map.entry(
              "upper", (frame, value, arguments) -> TextMethods.isCase(frame.text(value), false)),
          Map.entry(
              "divisibleby",
              (frame, value, arguments) ->
                  Values.equal(
                      Arithmetic.apply("%", value, arguments.bind(1, "num")[0], frame.budget()),
                      0L,
                      frame.budget())),
          Map.entry(
              "sameas",
              (frame, value, arguments) -> Values.same(value, arguments.bind(1, "other")[0])),
          named("filter", Filters::isKnown),
          named("test", Tests::isKnown),
          comparison("eq", "=="),
          comparison("equalto", "=="),
          comparison("==", "=="),
          comparison("ne", "!="),
          comparison("!=", "!="),
          comparison("lt", "<"),
          comparison("lessthan", "<"),
          comparison("<", "<"),
          comparison("le", "<="),
          comparison("<=", "<="),
          comparison("gt", ">"),
          comparison("greaterthan", ">"),
          comparison(">", ">"),
          comparison("ge", ">="),
          comparison(">=", ">="),
          comparison("in", "in"));

  private Tests() {}

  private static Map.Entry<String, Check> plain(
      String name, java.util.function.Predicate<Object> test) {
    return Map.entry(
        name,
        (frame, value, arguments) -> {
          arguments.bind();
          return test.test(value);
        });
  }

  private static Map.Entry<String, Check> named(
      String name, java.util.function.Predicate<String> test) {
    return Map.entry(name, (frame, value, arguments) -> test.test(Values.toText(value)));
  }

  private static Map.Entry<String, Check> comparison(String name, String operator) {
    return Map.entry(
        name,
        (frame, value, arguments) ->
            Expression.Comparison.compare(
                operator, value, arguments.bind(1, "other")[0], frame.budget()));
  }

  private static long parity(Object value) {
    return Math.floorMod(Values.toLong(value), 2L);
  }

  static boolean isKnown(String name) {
    return CHECKS.containsKey(name);
  }

  static boolean apply(String name, Frame frame, Object value, Arguments arguments) {
    Check check = CHECKS.get(name);
    if (check == null) {
      throw new JinjaException("no test is named '" + name + "'");
    }
    return check.of(frame, value, arguments);
  }
}
