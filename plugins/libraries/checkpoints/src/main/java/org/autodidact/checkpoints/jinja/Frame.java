package org.autodidact.checkpoints.jinja;

import java.time.Clock;
import java.util.Optional;

/** Where a node is evaluated: its variables, and what the whole rendering shares. */
final class Frame {
  /** What all frames of a rendering share. */
  static final class Rendering {
    final Budget budget;
    final Clock clock;
    int line = 1;

    Rendering(Budget budget, Clock clock) {
      this.budget = budget;
      this.clock = clock;
    }
  }

  final Rendering rendering;
  final Scope scope;

  Frame(Rendering rendering, Scope scope) {
    this.rendering = rendering;
    this.scope = scope;
  }

  /** A block inside this one, with variables of its own. */
  Frame inner() {
    return new Frame(rendering, new Scope(Optional.of(scope)));
  }

  Budget budget() {
    return rendering.budget;
  }

  void at(int line) {
    rendering.line = line;
  }

  Object value(Expression expression) {
    Budget budget = rendering.budget;
    budget.step();
    budget.enter();
    Object value = expression.evaluate(this);
    budget.leave();
    return value;
  }

  boolean truth(Expression expression) {
    return Values.truth(value(expression));
  }

  String text(Object value) {
    return Values.text(value, rendering.budget);
  }

  /** Runs a body and gives what it wrote. */
  String written(java.util.List<Statement> body) {
    Output output = new Output(rendering.budget);
    Statement.runAll(body, this, output);
    return output.toString();
  }
}
