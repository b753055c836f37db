package org.autodidact.checkpoints;

/** Writes what Hugging Face's Jinja has and Jinjava lacks in Jinjava's words. */
final class JinjaDialect {
  private JinjaDialect() {}

  static String adapt(String template) {
    return template
        // Marks the assistant's tokens for training; it writes nothing.
        .replaceAll("\\{%-?\\s*(end)?generation\\s*-?%\\}", "");
  }
}
