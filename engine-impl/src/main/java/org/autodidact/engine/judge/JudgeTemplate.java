package org.autodidact.engine.judge;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;

/**
 * A judge prompt: a text with placeholders, {@code {instruction}} and what else the judge is shown.
 *
 * @param text the template
 * @param placeholders their names without braces, each at least once in the text
 */
public record JudgeTemplate(String text, List<String> placeholders) {

  public JudgeTemplate {
    placeholders = List.copyOf(placeholders);
    for (String placeholder : placeholders) {
      if (!text.contains("{" + placeholder + "}")) {
        throw new InvalidInputException(
            "this judge's template must contain {"
                + String.join("}, {", placeholders)
                + "}; {"
                + placeholder
                + "} is missing in: "
                + text.substring(0, Math.min(80, text.length())).strip().replaceAll("\\s+", " "));
      }
    }
  }

  /** The given template, or the additive 5-point prompt (paper, figure 2, in our words). */
  public static JudgeTemplate additive(Optional<String> text) {
    return of(text, "additive.txt", "instruction", "response");
  }

  /** The given template, or ours that asks which of two answers is better: A or B. */
  static JudgeTemplate pairwise(Optional<String> text) {
    return of(text, "pairwise.txt", "instruction", "first", "second");
  }

  /**
   * The given template, or ours that asks which of two judgements of an answer is better
   * (Meta-Rewarding, Wu et al., 2024; the words are ours).
   */
  static JudgeTemplate meta(Optional<String> text) {
    return of(text, "meta.txt", "instruction", "response", "first", "second");
  }

  private static JudgeTemplate of(Optional<String> text, String resource, String... placeholders) {
    return new JudgeTemplate(text.orElseGet(() -> read(resource)), List.of(placeholders));
  }

  private static String read(String resource) {
    try (InputStream in = JudgeTemplate.class.getResourceAsStream(resource)) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The judge prompt; the text before the first placeholder is its template prefix. */
  public Prompt prompt(String id, String... values) {
    int fixed = text.length();
    for (String placeholder : placeholders) {
      fixed = Math.min(fixed, text.indexOf("{" + placeholder + "}"));
    }
    return new Prompt(id, List.of(Message.user(fill(values))), text.substring(0, fixed));
  }

  /**
   * Fills all placeholders at once, so that an instruction that says {@code {response}} stays
   * itself. What would pass for the judge's own words in a value is {@linkplain InjectionGuard
   * neutralized}.
   *
   * @param values one for each placeholder, in their order
   */
  public String fill(String... values) {
    if (values.length != placeholders.size()) {
      throw new IllegalArgumentException(
          values.length + " values for the placeholders " + placeholders);
    }
    StringBuilder filled = new StringBuilder();
    int at = 0;
    while (at < text.length()) {
      int placeholder = placeholderAt(at);
      if (placeholder < 0) {
        filled.append(text.charAt(at++));
      } else {
        filled.append(InjectionGuard.of(values[placeholder]));
        at += placeholders.get(placeholder).length() + 2;
      }
    }
    return filled.toString();
  }

  /**
   * Whether a text states a score or gives a grade, as "Score: 5" or "five points out of five". A
   * judge prompt shows it without the number.
   */
  public static boolean namesScore(String answer) {
    return InjectionGuard.namesScore(answer);
  }

  private int placeholderAt(int at) {
    for (int i = 0; i < placeholders.size(); i++) {
      if (text.startsWith("{" + placeholders.get(i) + "}", at)) {
        return i;
      }
    }
    return -1;
  }
}
