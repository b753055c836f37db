package org.autodidact.engine.data;

import java.util.List;
import org.autodidact.api.Message;

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

  /** The prompt as a judge is shown it: the user's message, or the whole dialogue as a text. */
  public String instruction() {
    return Dialogues.transcript(prompt);
  }
}
