package org.autodidact.engine.data;

import java.util.List;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;

/**
 * A conversation and the answer to it.
 *
 * @param prompt ends with what the user says
 * @param answer may be empty
 */
public record AnsweredPrompt(List<Message> prompt, String answer) {
  public AnsweredPrompt {
    prompt = List.copyOf(prompt);
  }

  /** Reads what {@link Examples#demonstration} does; an empty answer too. */
  public static AnsweredPrompt of(JsonLines.Line line) {
    return Examples.answered(line);
  }

  /** The prompt of a line, with its other fields. */
  public Prompt prompt(String id, JsonLines.Line line) {
    return new Prompt(id, prompt, "", line.otherFields());
  }
}
