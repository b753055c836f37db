package org.autodidact.api;

import java.util.List;
import java.util.Objects;

/**
 * What a model is asked. The model's own chat template is applied by whoever generates.
 *
 * @param id unique among the prompts of one call
 * @param messages the conversation so far, at least one message
 * @param beginning what the first message begins with as those of many other prompts do, as of one
 *     template; may be empty. A generator may compute it once for all of them; the answers mean the
 *     same.
 */
public record Prompt(String id, List<Message> messages, String beginning) {
  public Prompt {
    Objects.requireNonNull(id, "id");
    messages = List.copyOf(messages);
    if (messages.isEmpty()) {
      throw new InvalidInputException("prompt '" + id + "' has no message; give it at least one");
    }
    if (!messages.get(0).content().startsWith(beginning)) {
      throw new InvalidInputException(
          "prompt '" + id + "' does not begin with what is said to be its beginning");
    }
  }

  /** A conversation with nothing in common with others. */
  public Prompt(String id, List<Message> messages) {
    this(id, messages, "");
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
