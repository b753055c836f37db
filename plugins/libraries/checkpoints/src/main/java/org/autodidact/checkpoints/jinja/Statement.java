package org.autodidact.checkpoints.jinja;

import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/** A node that writes something, or sets a variable. */
interface Statement {
  /** How a statement ended. */
  enum Ended {
    NORMALLY,
    /** By {@code break}: of the loop around it. */
    BREAK,
    /** By {@code continue}: of the loop's turn. */
    CONTINUE
  }

  Ended run(Frame frame, Output output);

  static Ended runAll(List<Statement> body, Frame frame, Output output) {
    frame.budget().enter();
    for (Statement statement : body) {
      frame.budget().step();
      Ended ended = statement.run(frame, output);
      if (ended != Ended.NORMALLY) {
        frame.budget().leave();
        return ended;
      }
    }
    frame.budget().leave();
    return Ended.NORMALLY;
  }

  record Data(String text) implements Statement {
    @Override
    public Ended run(Frame frame, Output output) {
      output.write(text);
      return Ended.NORMALLY;
    }
  }

  record Write(Expression expression, int line) implements Statement {
    @Override
    public Ended run(Frame frame, Output output) {
      frame.at(line);
      output.write(frame.text(frame.value(expression)));
      return Ended.NORMALLY;
    }
  }

  /** {@code break} and {@code continue}. */
  record Jump(Ended ended) implements Statement {
    @Override
    public Ended run(Frame frame, Output output) {
      return ended;
    }
  }

  /** {@code if}, {@code elif} and {@code else}; the last test may be a constant. */
  record If(List<Expression> tests, List<List<Statement>> bodies, int line) implements Statement {
    @Override
    public Ended run(Frame frame, Output output) {
      frame.at(line);
      for (int i = 0; i < tests.size(); i++) {
        if (frame.truth(tests.get(i))) {
          return runAll(bodies.get(i), frame, output);
        }
      }
      return Ended.NORMALLY;
    }
  }

  record For(
      Target target,
      Expression items,
      Optional<Expression> filter,
      boolean recursive,
      List<Statement> body,
      List<Statement> otherwise,
      int line)
      implements Statement {
    @Override
    public Ended run(Frame frame, Output output) {
      frame.at(line);
      loop(frame.value(items), frame, output, 0);
      return Ended.NORMALLY;
    }

    /** Runs over the items; a {@code loop()} call of a recursive loop comes here again. */
    private void loop(Object items, Frame frame, Output output, int depth) {
      Optional<Loop.Recursion> recursion =
          recursive
              ? Optional.of(
                  (inner, deeper) -> {
                    Output written = new Output(frame.budget());
                    loop(inner, frame, written, deeper);
                    return written.toString();
                  })
              : Optional.empty();
      Loop loop = new Loop(filtered(items, frame), frame.budget(), recursion, depth);
      boolean none = true;
      while (loop.advance()) {
        Frame turn = frame.inner();
        turn.scope.set("loop", loop);
        target.assign(loop.current(), turn);
        Ended ended = runAll(body, turn, output);
        if (ended == Ended.BREAK) {
          break;
        }
        // Jinja2's code notes that there was a turn at its end only.
        none &= ended == Ended.CONTINUE;
      }
      if (none) {
        runAll(otherwise, frame.inner(), output);
      }
    }

    private Object filtered(Object items, Frame frame) {
      if (filter.isEmpty()) {
        return items;
      }
      Iterator<Object> all = Values.iterate(items, frame.budget());
      return Filters.lazy(
          all,
          frame.budget(),
          item -> {
            Frame test = frame.inner();
            target.assign(item, test);
            return test.truth(filter.get());
          });
    }
  }

  record Assign(Target target, Expression value, int line) implements Statement {
    @Override
    public Ended run(Frame frame, Output output) {
      frame.at(line);
      target.assign(frame.value(value), frame);
      return Ended.NORMALLY;
    }
  }

  /** {@code set name} … {@code endset}: what is written inside becomes the value. */
  record AssignWritten(
      Target target, Optional<Expression.Filter> filter, List<Statement> body, int line)
      implements Statement {
    @Override
    public Ended run(Frame frame, Output output) {
      Frame inner = frame.inner();
      String written = inner.written(body);
      frame.at(line);
      target.assign(
          filter.isPresent() ? filterWritten(filter.get(), written, inner) : written, frame);
      return Ended.NORMALLY;
    }
  }

  /** {@code filter name} … {@code endfilter}. */
  record FilterWritten(Expression.Filter filter, List<Statement> body, int line)
      implements Statement {
    @Override
    public Ended run(Frame frame, Output output) {
      Frame inner = frame.inner();
      String written = inner.written(body);
      frame.at(line);
      output.write(frame.text(filterWritten(filter, written, inner)));
      return Ended.NORMALLY;
    }
  }

  /** A chain of filters whose innermost value is the text. */
  private static Object filterWritten(Expression.Filter filter, String text, Frame frame) {
    frame.scope.set(WRITTEN, text);
    return frame.value(filter);
  }

  /** The name of the text that {@link FilterWritten} filters; no template can write this name. */
  String WRITTEN = " written";

  record With(List<Target> targets, List<Expression> values, List<Statement> body, int line)
      implements Statement {
    @Override
    public Ended run(Frame frame, Output output) {
      frame.at(line);
      Frame inner = frame.inner();
      for (int i = 0; i < targets.size(); i++) {
        targets.get(i).assign(frame.value(values.get(i)), inner);
      }
      return runAll(body, inner, output);
    }
  }

  /**
   * {@code generation} … {@code endgeneration}, which marks the assistant's tokens for training and
   * writes its body. Jinja2 makes a macro of it, so that variables set inside stay inside.
   */
  record Generation(List<Statement> body) implements Statement {
    @Override
    public Ended run(Frame frame, Output output) {
      return runAll(body, frame.inner(), output);
    }
  }

  record DefineMacro(String name, Macro.Signature signature, List<Statement> body)
      implements Statement {
    @Override
    public Ended run(Frame frame, Output output) {
      frame.scope.set(name, new Macro(name, signature, body, frame));
      return Ended.NORMALLY;
    }
  }

  /** {@code call macro()} … {@code endcall}: the body is the macro's {@code caller}. */
  record CallWithBody(
      Expression.Call call, Macro.Signature signature, List<Statement> body, int line)
      implements Statement {
    @Override
    public Ended run(Frame frame, Output output) {
      frame.at(line);
      Object function = frame.value(call.callee());
      Arguments given = call.arguments().evaluate("the macro", frame);
      if (!(function instanceof Macro macro)) {
        throw Values.undefinedOr(
            function, null, "after 'call' a macro is expected, not a " + Values.typeName(function));
      }
      output.write(macro.call(frame, given, new Macro("caller", signature, body, frame)));
      return Ended.NORMALLY;
    }
  }

  /** What a value is assigned to. */
  public sealed interface Target {
    void assign(Object value, Frame frame);

    record Variable(String name) implements Target {
      @Override
      public void assign(Object value, Frame frame) {
        frame.scope.set(name, value);
      }
    }

    /** {@code set space.name = …}. */
    record Attribute(String space, String name) implements Target {
      @Override
      public void assign(Object value, Frame frame) {
        if (!(frame.scope.get(space) instanceof Namespace namespace)) {
          throw new JinjaException(
              "cannot set an attribute of '" + space + "': it is no namespace");
        }
        namespace.set(name, value);
      }
    }

    record Several(List<Target> targets) implements Target {
      @Override
      public void assign(Object value, Frame frame) {
        List<Object> items = Values.list(value, frame.budget());
        if (items.size() != targets.size()) {
          throw new JinjaException(
              "expected " + targets.size() + " values to unpack, found " + items.size());
        }
        for (int i = 0; i < targets.size(); i++) {
          targets.get(i).assign(items.get(i), frame);
        }
      }
    }
  }
}
