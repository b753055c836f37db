package org.autodidact.checkpoints.jinja;

/**
 * A piece of a template.
 *
 * @param value the text of it; of a string literal what it means, without its quotes
 */
record Token(Kind kind, String value, int line) {
  enum Kind {
    DATA,
    /** <code>{{</code> */
    EXPRESSION_BEGIN,
    EXPRESSION_END,
    /** <code>{%</code> */
    BLOCK_BEGIN,
    BLOCK_END,
    NAME,
    STRING,
    INTEGER,
    FLOAT,
    OPERATOR,
    END
  }

  boolean is(Kind expected, String text) {
    return kind == expected && value.equals(text);
  }

  boolean isOperator(String text) {
    return is(Kind.OPERATOR, text);
  }

  boolean isName(String text) {
    return is(Kind.NAME, text);
  }

  String shown() {
    return switch (kind) {
      case END -> "the end of the template";
      case EXPRESSION_END -> "'}}'";
      case BLOCK_END -> "'%}'";
      default -> "'" + (value.length() > 40 ? value.substring(0, 40) + "…" : value) + "'";
    };
  }
}
