package org.autodidact.checkpoints;

import java.util.Objects;
import java.util.regex.Pattern;

/** Says what Hugging Face's Jinja has, and Jinjava lacks or reads otherwise, in Jinjava's words. */
final class JinjaDialect {
  /** Marks the assistant's tokens for training and writes nothing. */
  private static final Pattern GENERATION = Pattern.compile("\\{%(-?)\\s*generation\\s*(-?)%}");

  private static final Pattern END_GENERATION =
      Pattern.compile("\\{%(-?)\\s*endgeneration\\s*(-?)%}");

  /** Jinjava knows functions only where they are called. */
  private static final Pattern KNOWN_FUNCTION =
      Pattern.compile("\\b(strftime_now|raise_exception)\\s+is\\s+defined\\b");

  /** Jinja: not (x is defined). Jinjava: (not x) is defined. */
  private static final Pattern NOT_IS = Pattern.compile("\\bnot\\s+([\\w.]+)\\s+is\\s+(\\w+)");

  /**
   * In {@code namespace(n=messages|length - 1)} Jinjava subtracts from the argument with its name.
   */
  private static final Pattern LENGTH =
      Pattern.compile(
          "(?<![|]\\s{0,3})(?<![\\w.])([A-Za-z_][\\w.]*)\\s*[|]\\s*length\\b(\\s*-\\s*\\d+)?");

  private JinjaDialect() {}

  static String adapt(String template) {
    String text = GENERATION.matcher(template).replaceAll("{%$1 if true $2%}");
    text = END_GENERATION.matcher(text).replaceAll("{%$1 endif $2%}");
    text = KNOWN_FUNCTION.matcher(text).replaceAll("true");
    text = text.replace("[::-1]", "|reverse|list");
    text = NOT_IS.matcher(text).replaceAll("$1 is not $2");
    return LENGTH
        .matcher(text)
        .replaceAll(
            m -> "((" + m.group(1) + "|length)" + Objects.requireNonNullElse(m.group(2), "") + ")");
  }
}
