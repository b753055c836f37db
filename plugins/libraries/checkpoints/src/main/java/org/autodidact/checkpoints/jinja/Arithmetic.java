package org.autodidact.checkpoints.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;

/** Python's operators. Integers have 64 bits; what does not fit is an error. */
final class Arithmetic {
  private Arithmetic() {}

  static Object apply(String operator, Object a, Object b, Budget budget) {
    budget.step();
    try {
      if (Values.isInteger(a) && Values.isInteger(b)) {
        return integers(operator, Values.toLong(a), Values.toLong(b));
      } else if (Values.isNumber(a) && Values.isNumber(b)) {
        return floats(operator, Values.toDouble(a), Values.toDouble(b));
      }
    } catch (ArithmeticException e) {
      throw new JinjaException("an integer of more than 64 bits in '" + operator + "'");
    }
    switch (operator) {
      case "+" -> {
        if (a instanceof String text && b instanceof String other) {
          budget.text(text.length() + other.length());
          return text + other;
        } else if (a instanceof List<?> list
            && b instanceof List<?> other
            && a instanceof Tuple == b instanceof Tuple
            && !(a instanceof Range || b instanceof Range)) {
          budget.elements(list.size() + other.size());
          List<Object> sum = new ArrayList<>(list);
          sum.addAll(other);
          return a instanceof Tuple ? new Tuple(sum) : sum;
        }
      }
      case "*" -> {
        if (Values.isInteger(b) && (a instanceof String || a instanceof List)) {
          return repeated(a, Values.toLong(b), budget);
        } else if (Values.isInteger(a) && (b instanceof String || b instanceof List)) {
          return repeated(b, Values.toLong(a), budget);
        }
      }
      case "%" -> {
        if (a instanceof String format) {
          return Printf.format(format, b, budget);
        }
      }
      default -> {}
    }
    throw Values.undefinedOr(
        a,
        b,
        "'"
            + operator
            + "' is not possible between a "
            + Values.typeName(a)
            + " and a "
            + Values.typeName(b));
  }

  private static Object integers(String operator, long a, long b) {
    if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw new JinjaException("division by zero");
    }
    return switch (operator) {
      case "+" -> Math.addExact(a, b);
      case "-" -> Math.subtractExact(a, b);
      case "*" -> Math.multiplyExact(a, b);
      case "/" -> (double) a / b;
      case "//" -> b == -1 ? (Object) Math.negateExact(a) : (Object) Math.floorDiv(a, b);
      case "%" -> Math.floorMod(a, b);
      default -> b < 0 ? (Object) Math.pow(a, b) : (Object) power(a, b);
    };
  }

  private static long power(long base, long exponent) {
    if (base >= -1 && base <= 1) {
      return exponent % 2 == 0 ? base * base : base;
    }
    long product = 1;
    for (long i = 0; i < exponent; i++) {
      product = Math.multiplyExact(product, base);
    }
    return product;
  }

  private static Object floats(String operator, double a, double b) {
    if (b == 0 && (operator.equals("/") || operator.equals("//") || operator.equals("%"))) {
      throw new JinjaException("division by zero");
    }
    return switch (operator) {
      case "+" -> a + b;
      case "-" -> a - b;
      case "*" -> a * b;
      case "/" -> a / b;
      case "//" -> Math.floor(a / b);
      case "%" -> a - b * Math.floor(a / b);
      default -> Math.pow(a, b);
    };
  }

  private static Object repeated(Object value, long times, Budget budget) {
    int count = (int) Math.max(0, Math.min(times, Integer.MAX_VALUE));
    if (value instanceof String text) {
      budget.text((long) text.length() * count);
      return text.repeat(count);
    }
    List<?> list = (List<?>) value;
    budget.elements((long) list.size() * count);
    List<Object> all = new ArrayList<>();
    Collections.nCopies(count, list).forEach(all::addAll);
    return value instanceof Tuple ? new Tuple(all) : all;
  }

  static Object negated(Object value) {
    if (value instanceof Double number) {
      return -number;
    }
    return Math.negateExact(Values.toLong(value));
  }
}
