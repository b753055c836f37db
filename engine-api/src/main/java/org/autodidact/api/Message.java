package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * One turn of a conversation.
 *
 * @param role who speaks, in the words of the chat template: usually {@code system}, {@code user}
 *     or {@code assistant}
 * @param content what is said; may be empty
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record Message(String role, String content) {
  public Message {
    Objects.requireNonNull(role, "role");
    Objects.requireNonNull(content, "content");
  }

  public static Message user(String content) {
    return new Message("user", content);
  }

  public static Message assistant(String content) {
    return new Message("assistant", content);
  }

  /**
   * A conversation as one text, as a judge is shown it: the user's message where it is the only
   * one, else all turns, with who speaks before each (as in Anthropic's HH data).
   */
  public static String transcript(List<Message> dialogue) {
    if (dialogue.size() == 1) {
      return dialogue.get(0).content();
    }
    StringBuilder text = new StringBuilder();
    for (Message m : dialogue) {
      String name =
          switch (m.role()) {
            case "user" -> "Human";
            case "assistant" -> "Assistant";
            case "system", "developer" -> "System";
            default -> m.role();
          };
      text.append(text.length() == 0 ? "" : "\n\n").append(name).append(": ").append(m.content());
    }
    return text.toString();
  }
}
