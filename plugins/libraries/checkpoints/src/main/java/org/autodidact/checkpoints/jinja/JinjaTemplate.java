package org.autodidact.checkpoints.jinja;

import java.time.Clock;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** A template that was read. Immutable and thread-safe. */
public final class JinjaTemplate {
  private static final int LONGEST = 1 << 20;

  private final List<Statement> body;

  private JinjaTemplate(List<Statement> body) {
    this.body = body;
  }

  /**
   * Reads a template.
   *
   * @throws JinjaException where it is wrong, or uses what is not supported
   */
  public static JinjaTemplate parse(String source) {
    if (source.length() > LONGEST) {
      throw new JinjaException("the template has more than " + LONGEST + " characters", 1);
    }
    try {
      return new JinjaTemplate(Parser.parse(source));
    } catch (StackOverflowError e) {
      throw new JinjaException("the template nests too deep", 1);
    }
  }

  /**
   * What the template writes.
   *
   * @param variables by name: null, Boolean, Long, Double, String, and lists and maps of these;
   *     they are not changed
   * @param clock what time {@code strftime_now} says
   * @throws JinjaException where the template fails, refuses by {@code raise_exception}, or takes
   *     more time, memory or depth than it may
   */
  public String render(Map<String, ?> variables, Clock clock) {
    Frame.Rendering rendering = new Frame.Rendering(new Budget(size(variables)), clock);
    Scope functions = new Scope(Optional.empty());
    Functions.putInto(functions);
    Scope given = new Scope(Optional.of(functions));
    variables.forEach(given::set);
    Frame frame = new Frame(rendering, new Scope(Optional.of(given)));
    try {
      return frame.written(body);
    } catch (JinjaException e) {
      throw e.in(rendering.line);
    } catch (StackOverflowError e) {
      throw new JinjaException("the template nests too deep", rendering.line);
    }
  }

  /** Characters of all texts in a value. */
  private static long size(Object value) {
    if (value instanceof String text) {
      return text.length();
    } else if (value instanceof List<?> list) {
      return list.stream().mapToLong(JinjaTemplate::size).sum();
    } else if (value instanceof Map<?, ?> map) {
      return map.values().stream().mapToLong(JinjaTemplate::size).sum();
    }
    return 0;
  }
}
