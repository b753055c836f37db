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
 * The judge prompt: a text with {@code {instruction}} and {@code {response}} in it.
 *
 * @param text the template
 */
public record JudgeTemplate(String text) {
  private static final String INSTRUCTION = "{instruction}";
  private static final String RESPONSE = "{response}";

  public JudgeTemplate {
    if (!text.contains(INSTRUCTION) || !text.contains(RESPONSE)) {
      throw new InvalidInputException(
          "a judge template must contain {instruction} and {response}; found: "
              + text.substring(0, Math.min(80, text.length())));
    }
  }

  /** The given template, or the additive 5-point prompt (paper, figure 2, in our words). */
  public static JudgeTemplate orDefault(Optional<String> text) {
    return new JudgeTemplate(text.orElseGet(JudgeTemplate::additive));
  }

  private static String additive() {
    try (InputStream in = JudgeTemplate.class.getResourceAsStream("additive.txt")) {
      return new String(in.readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** The prompt that asks for a grade; all of one template begin alike. */
  public Prompt prompt(String id, String instruction, String response) {
    int fixed = Math.min(text.indexOf(INSTRUCTION), text.indexOf(RESPONSE));
    return new Prompt(
        id, List.of(Message.user(fill(instruction, response))), text.substring(0, fixed));
  }

  /**
   * Fills both places at once, so that an instruction that says {@code {response}} stays itself.
   */
  public String fill(String instruction, String response) {
    StringBuilder filled = new StringBuilder();
    int at = 0;
    while (at < text.length()) {
      if (text.startsWith(INSTRUCTION, at)) {
        filled.append(instruction);
        at += INSTRUCTION.length();
      } else if (text.startsWith(RESPONSE, at)) {
        filled.append(response);
        at += RESPONSE.length();
      } else {
        filled.append(text.charAt(at++));
      }
    }
    return filled.toString();
  }
}
