package org.autodidact.checkpoints.jinja;

/** A template that cannot be read or run. Its message says what is wrong, its line where. */
public final class JinjaException extends RuntimeException {
  private static final long serialVersionUID = 1;

  private final int line;
  private final boolean raised;

  private JinjaException(String message, int line, boolean raised) {
    super(message);
    this.line = line;
    this.raised = raised;
  }

  JinjaException(String message) {
    this(message, 0, false);
  }

  JinjaException(String message, int line) {
    this(message, line, false);
  }

  /** What {@code raise_exception(message)} throws. */
  static JinjaException raised(String message) {
    return new JinjaException(message, 0, true);
  }

  /** This exception with a line, unless it has one already. */
  JinjaException in(int currentLine) {
    if (line > 0) {
      return this;
    }
    JinjaException placed = new JinjaException(getMessage(), currentLine, raised);
    placed.initCause(this);
    return placed;
  }

  /** The template's line, from 1. */
  public int line() {
    return line;
  }

  /** Whether the template itself refused, by {@code raise_exception}. */
  public boolean isRaised() {
    return raised;
  }
}
