package org.autodidact.api;

import java.util.List;
import java.util.Map;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * A conversation that the model is to answer. The generator applies the chat template of the model.
 *
 * @param id unique among the prompts of one call
 * @param messages the conversation so far, at least one message
 * @param templatePrefix the beginning of the first message that many prompts of one template share;
 *     may be empty. A generator may prefill it once for all of them; answers stay the same
 * @param fields the other fields of the JSONL line that it was read from, for judges and selectors,
 *     as {@code answer} for a verifier: texts as they are, other values as JSON
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record Prompt(
    String id, List<Message> messages, String templatePrefix, Map<String, String> fields) {
  public Prompt {
    Objects.requireNonNull(id, "id");
    messages = List.copyOf(messages);
    fields = Map.copyOf(fields);
    if (messages.isEmpty()) {
      throw new InvalidInputException("prompt '" + id + "' has no message; give it at least one");
    }
    if (!messages.get(0).content().startsWith(templatePrefix)) {
      throw new InvalidInputException(
          "prompt '" + id + "' does not begin with its template prefix");
    }
  }

  /** A conversation without other fields. */
  public Prompt(String id, List<Message> messages, String templatePrefix) {
    this(id, messages, templatePrefix, Map.of());
  }

  /** A conversation without a template prefix. */
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
