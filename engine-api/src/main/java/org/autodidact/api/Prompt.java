package org.autodidact.api;

import java.util.List;
import java.util.Objects;

/**
 * What a model is asked. The model's own chat template is applied by whoever generates.
 *
 * @param id unique among the prompts of one call
 * @param messages the conversation so far, at least one message
 */
public record Prompt(String id, List<Message> messages) {
  public Prompt {
    Objects.requireNonNull(id, "id");
    messages = List.copyOf(messages);
    if (messages.isEmpty()) {
      throw new InvalidInputException("prompt '" + id + "' has no message; give it at least one");
    }
  }

  /** A conversation of one user message. */
  public static Prompt of(String id, String instruction) {
    return new Prompt(id, List.of(Message.user(instruction)));
  }

  /** The content of the last user message, or of the last message where no user speaks. */
  public String instruction() {
    for (int i = messages.size() - 1; i >= 0; i--) {
      if (messages.get(i).role().equals("user")) {
        return messages.get(i).content();
      }
    }
    return messages.get(messages.size() - 1).content();
  }
}
