package org.autodidact.api;

import java.util.Objects;

/**
 * One turn of a conversation.
 *
 * @param role who speaks, in the words of the chat template: usually {@code system}, {@code user}
 *     or {@code assistant}
 * @param content what is said; may be empty
 */
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
}
