package org.autodidact.checkpoints.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A node that has a value. */
interface Expression {
  /** Called by {@link Frame#value} only, which counts it. */
  Object evaluate(Frame frame);

  record Constant(Object value) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      return value;
    }
  }

  record Name(String name, int line) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      return frame.scope.get(name);
    }
  }

  record TupleOf(List<Expression> items) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      return new Tuple(values(items, frame));
    }
  }

  record ListOf(List<Expression> items) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      return values(items, frame);
    }
  }

  record DictOf(List<Expression> keys, List<Expression> items) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      frame.budget().elements(2L * keys.size());
      Map<Object, Object> map = new LinkedHashMap<>();
      for (int i = 0; i < keys.size(); i++) {
        map.put(Values.key(frame.value(keys.get(i))), frame.value(items.get(i)));
      }
      return map;
    }
  }

  record Not(Expression operand) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      return !frame.truth(operand);
    }
  }

  /** Python's {@code and}: the first operand that is false, or the last. */
  record And(Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      Object value = frame.value(left);
      return Values.truth(value) ? frame.value(right) : value;
    }
  }

  record Or(Expression left, Expression right) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      Object value = frame.value(left);
      return Values.truth(value) ? value : frame.value(right);
    }
  }

  record Binary(String operator, Expression left, Expression right, int line)
      implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      Object a = frame.value(left);
      Object b = frame.value(right);
      frame.at(line);
      return Arithmetic.apply(operator, a, b, frame.budget());
    }
  }

  record Sign(boolean negative, Expression operand, int line) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      Object value = frame.value(operand);
      frame.at(line);
      if (!Values.isNumber(value)) {
        throw Values.undefinedOr(
            value, null, "a " + Values.typeName(value) + " has no sign; expected a number");
      }
      return negative
          ? Arithmetic.negated(value)
          : value instanceof Boolean ? (Object) Values.toLong(value) : value;
    }
  }

  /** {@code a ~ b ~ c}. */
  record Concatenation(List<Expression> parts) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      StringBuilder text = new StringBuilder();
      for (Expression part : parts) {
        text.append(frame.text(frame.value(part)));
        frame.budget().text(text.length());
      }
      return text.toString();
    }
  }

  /** {@code a < b <= c}: each operand once, and no further than the first that fails. */
  record Comparison(Expression first, List<String> operators, List<Expression> others, int line)
      implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      Object left = frame.value(first);
      for (int i = 0; i < others.size(); i++) {
        Object right = frame.value(others.get(i));
        frame.at(line);
        if (!compare(operators.get(i), left, right, frame.budget())) {
          return false;
        }
        left = right;
      }
      return true;
    }

    static boolean compare(String operator, Object a, Object b, Budget budget) {
      return switch (operator) {
        case "==" -> Values.equal(a, b, budget);
        case "!=" -> !Values.equal(a, b, budget);
        case "in" -> Values.contains(b, a, budget);
        case "not in" -> !Values.contains(b, a, budget);
        case "<" -> Values.compare(a, b, budget) < 0;
        case "<=" -> Values.compare(a, b, budget) <= 0;
        case ">" -> Values.compare(a, b, budget) > 0;
        default -> Values.compare(a, b, budget) >= 0;
      };
    }
  }

  record Condition(Expression test, Expression then, Optional<Expression> otherwise)
      implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      if (frame.truth(test)) {
        return frame.value(then);
      }
      return otherwise.isPresent()
          ? frame.value(otherwise.get())
          : new Undefined("the inline if without else was false, so that there is no value");
    }
  }

  /** {@code owner.name}. */
  record Attribute(Expression owner, String name, int line) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      Object value = frame.value(owner);
      frame.at(line);
      return Attributes.attribute(value, name);
    }
  }

  /** {@code owner[key]}. */
  record Item(Expression owner, Expression key, int line) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      Object value = frame.value(owner);
      Object index = frame.value(key);
      frame.at(line);
      return Attributes.item(value, index, frame.budget());
    }
  }

  /** {@code owner[from:to:step]}. */
  record Slice(
      Expression owner,
      Optional<Expression> from,
      Optional<Expression> to,
      Optional<Expression> step,
      int line)
      implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      Object value = frame.value(owner);
      Long start = bound(from, frame);
      Long stop = bound(to, frame);
      Long stride = bound(step, frame);
      frame.at(line);
      return Attributes.slice(value, start, stop, stride, frame.budget());
    }

    private static Long bound(Optional<Expression> bound, Frame frame) {
      Object value = bound.isPresent() ? frame.value(bound.get()) : null;
      return value == null ? null : (Long) Values.toLong(value);
    }
  }

  record Call(Expression callee, ArgumentList arguments, int line) implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      Object function = frame.value(callee);
      Arguments values = arguments.evaluate(shown(), frame);
      frame.at(line);
      if (function instanceof Callable callable) {
        return callable.call(frame, values);
      }
      throw Values.undefinedOr(
          function, null, "a " + Values.typeName(function) + " cannot be called");
    }

    private String shown() {
      return callee instanceof Name name
          ? name.name() + "()"
          : callee instanceof Attribute attribute ? attribute.name() + "()" : "the function";
    }
  }

  /** {@code value | name(arguments)}. */
  record Filter(Expression value, String name, ArgumentList arguments, int line)
      implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      Object input = frame.value(value);
      Arguments values = arguments.evaluate("the filter '" + name + "'", frame);
      frame.at(line);
      return Filters.apply(name, frame, input, values);
    }
  }

  /** {@code value is name(arguments)}. */
  record Test(Expression value, String name, ArgumentList arguments, int line)
      implements Expression {
    @Override
    public Object evaluate(Frame frame) {
      Object input = frame.value(value);
      Arguments values = arguments.evaluate("the test '" + name + "'", frame);
      frame.at(line);
      return Tests.apply(name, frame, input, values);
    }
  }

  /** What stands in a call's brackets. */
  record ArgumentList(
      List<Expression> positional,
      Map<String, Expression> named,
      Optional<Expression> spread,
      Optional<Expression> namedSpread) {
    static final ArgumentList NONE =
        new ArgumentList(List.of(), Map.of(), Optional.empty(), Optional.empty());

    Arguments evaluate(String owner, Frame frame) {
      if (this == NONE) {
        return Arguments.none(owner);
      }
      List<Object> values = new ArrayList<>(values(positional, frame));
      if (spread.isPresent()) {
        values.addAll(Values.list(frame.value(spread.get()), frame.budget()));
      }
      Map<String, Object> byName = new LinkedHashMap<>();
      named.forEach((name, expression) -> byName.put(name, frame.value(expression)));
      if (namedSpread.isPresent()) {
        if (!(frame.value(namedSpread.get()) instanceof Map<?, ?> map)) {
          throw new JinjaException("after ** a dict is expected");
        }
        map.forEach((name, value) -> byName.put(Values.toText(name), value));
      }
      return new Arguments(owner, values, byName);
    }
  }

  private static List<Object> values(List<Expression> expressions, Frame frame) {
    frame.budget().elements(expressions.size());
    List<Object> values = new ArrayList<>(expressions.size());
    for (Expression expression : expressions) {
      values.add(frame.value(expression));
    }
    return values;
  }
}
