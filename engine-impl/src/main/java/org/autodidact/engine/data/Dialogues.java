package org.autodidact.engine.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.autodidact.api.Message;
import org.autodidact.api.ShownText;
import org.autodidact.engine.data.JsonLines.Line;

/** Conversations as data have them: lists of messages, and Anthropic's texts of turns. */
final class Dialogues {
  /** Messages of a conversation; a limit for what is no conversation. */
  private static final int LENGTH = 10_000;

  private static final String HUMAN = "\n\nHuman:";
  private static final String ASSISTANT = "\n\nAssistant:";

  /** The names of ShareGPT and its followers for the three roles of chat templates. */
  private static final Map<String, String> ROLES =
      Map.ofEntries(
          Map.entry("user", "user"),
          Map.entry("human", "user"),
          Map.entry("prompter", "user"),
          Map.entry("assistant", "assistant"),
          Map.entry("gpt", "assistant"),
          Map.entry("chatgpt", "assistant"),
          Map.entry("bot", "assistant"),
          Map.entry("system", "system"),
          Map.entry("developer", "developer"));

  /** Turns of programs, which messages of texts alone do not render. */
  private static final List<String> TOOLS =
      List.of(
          "tool",
          "function",
          "observation",
          "ipython",
          "function_call",
          "function_response",
          "tool_call",
          "tool_response");

  /** Keys of a message that templates write beside or instead of its content. */
  private static final List<String> NOT_RENDERED =
      List.of(
          "tool_calls",
          "function_call",
          "tool_call_id",
          "reasoning_content",
          "reasoning",
          "thinking",
          "images",
          "image",
          "videos",
          "audios",
          "audio");

  private Dialogues() {}

  /** The list at the key, at least one message; from/value and role/content are the same. */
  static List<Message> messages(Line line, String key) {
    JsonNode list = line.json().path(key);
    if (!list.isArray() || list.isEmpty()) {
      throw line.refused(
          "'"
              + key
              + "' must be a list of {\"role\", \"content\"}, not empty; found "
              + (list.isArray() ? "an empty list" : Line.type(list)));
    }
    if (list.size() > LENGTH) {
      throw line.refused("'" + key + "' has more than " + LENGTH + " messages");
    }
    List<Message> messages = new ArrayList<>();
    for (JsonNode m : list) {
      messages.add(message(line, "message " + messages.size() + " of '" + key + "'", m));
    }
    return messages;
  }

  /** One message. */
  static Message message(Line line, String what, JsonNode m) {
    boolean shareGpt = !m.has("role") && m.has("from");
    JsonNode role = m.path(shareGpt ? "from" : "role");
    String name = role.asText("").toLowerCase(Locale.ROOT);
    if (TOOLS.contains(name)) {
      throw line.refused(
          what
              + " has the role '"
              + name
              + "': calls of tools are not rendered; drop the line, or write them as text");
    }
    for (String key : NOT_RENDERED) {
      if (isGiven(m.path(key))) {
        throw line.refused(
            what
                + " has '"
                + key
                + "', which is not rendered; drop the line, or write it into the content");
      }
    }
    JsonNode content = m.path(shareGpt ? "value" : "content");
    if (!role.isTextual() || !(content.isTextual() || content.isArray())) {
      throw line.refused(
          what
              + " needs the texts "
              + (shareGpt ? "from and value" : "role and content")
              + "; it has the keys "
              + new Line("", m).keys());
    }
    return new Message(
        role(line, what, role.asText(), shareGpt),
        Line.encodable(content.isArray() ? parts(line, what, content) : content.asText()));
  }

  private static String role(Line line, String what, String given, boolean shareGpt) {
    String known = ROLES.get(given);
    if (known != null) {
      return known;
    }
    if (shareGpt || given.isBlank() || ROLES.containsKey(given.toLowerCase(Locale.ROOT))) {
      throw line.refused(
          what
              + " has the role '"
              + ShownText.of(given, 30)
              + "'; known are user, human, assistant, gpt, system and developer");
    }
    return given; // a word of the model's own template
  }

  /** Parts that are texts make one text, as templates of several kinds of parts write them. */
  private static String parts(Line line, String what, JsonNode parts) {
    StringBuilder text = new StringBuilder();
    for (JsonNode part : parts) {
      boolean isText =
          part.isTextual()
              || part.path("type").asText("").equals("text") && part.path("text").isTextual();
      if (!isText) {
        throw line.refused(
            what
                + " has a part of the type '"
                + ShownText.of(part.path("type").asText("none"), 30)
                + "'; texts alone are read");
      }
      text.append(part.isTextual() ? part.asText() : part.get("text").asText());
    }
    return text.toString();
  }

  /** Whether a value says anything: not null, empty or false. */
  static boolean isGiven(JsonNode value) {
    return switch (value.getNodeType()) {
      case MISSING, NULL -> false;
      case ARRAY, OBJECT -> !value.isEmpty();
      case STRING -> !value.asText().isBlank() && !value.asText().strip().equals("[]");
      case BOOLEAN -> value.asBoolean();
      default -> true;
    };
  }

  /** Whether it is a dialogue in the format of Anthropic's HH. */
  static boolean isTurns(String text) {
    String begun = begun(text);
    return begun.startsWith(HUMAN) && begun.contains(ASSISTANT);
  }

  private static String begun(String text) {
    return "\n\n" + text.stripLeading();
  }

  /** The turns of an HH text; an empty last one, which waits for an answer, is left out. */
  static List<Message> turns(String dialogue) {
    String text = begun(dialogue);
    List<Message> turns = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      boolean human = text.startsWith(HUMAN, at);
      int begin = at + (human ? HUMAN : ASSISTANT).length();
      int nextHuman = text.indexOf(HUMAN, begin);
      int nextAssistant = text.indexOf(ASSISTANT, begin);
      int end =
          Math.min(
              nextHuman < 0 ? text.length() : nextHuman,
              nextAssistant < 0 ? text.length() : nextAssistant);
      String said = text.substring(begin, end).strip();
      if (end < text.length() || !said.isEmpty()) {
        turns.add(human ? Message.user(said) : Message.assistant(said));
      }
      at = end;
    }
    return turns;
  }
}
