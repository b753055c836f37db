package org.autodidact.checkpoints.tokenizer;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.files.BoundedFiles;
import org.autodidact.checkpoints.jinja.JinjaException;
import org.autodidact.checkpoints.jinja.JinjaTemplate;
import org.autodidact.checkpoints.json.JsonFiles;

/**
 * A checkpoint's chat template, rendered as {@code apply_chat_template} of Transformers does. A
 * template is somebody else's program: it is given texts only, which it cannot take for code, and
 * its work, memory and depth are bounded.
 */
public final class ChatTemplate {
  /** The interpreter's limit in characters, at four bytes each. */
  private static final int MOST_BYTES = 4 << 20;

  private final String source;
  private final Optional<JinjaTemplate> template;
  private final Map<String, String> constants;
  private final Clock clock;

  private ChatTemplate(
      String source, Optional<JinjaTemplate> template, Map<String, String> constants, Clock clock) {
    this.clock = clock;
    this.source = source;
    this.template = template;
    this.constants = constants;
  }

  /** A folder's template, as it is written; empty where there is none. */
  public static Optional<String> text(Path folder) {
    return Optional.of(written(folder).text()).filter(text -> !text.isEmpty());
  }

  /** A folder's template, whose {@code strftime_now} says {@code clock}'s time. */
  static ChatTemplate read(Path folder, Clock clock) {
    Written written = written(folder);
    return of(written.source(), written.text(), SpecialTokens.read(folder), clock);
  }

  /** A template's text, empty where there is none, and where it is from. */
  private record Written(String source, String text) {}

  /** From chat_template.jinja, or tokenizer_config.json. */
  private static Written written(Path folder) {
    Path own = folder.resolve("chat_template.jinja");
    if (Files.exists(own)) {
      return new Written(own.toString(), BoundedFiles.text(own, MOST_BYTES, "a chat template"));
    }
    Optional<ObjectNode> config = JsonFiles.readIfThere(folder.resolve("tokenizer_config.json"));
    JsonNode inside =
        config.map(c -> c.path("chat_template")).orElse(JsonFiles.MAPPER.missingNode());
    String text = inside.asText("");
    for (JsonNode named : inside) {
      if (named.path("name").asText().equals("default")) {
        text = named.path("template").asText("");
      }
    }
    return new Written(folder + "/tokenizer_config.json", text);
  }

  private static ChatTemplate of(
      String source, String text, Map<String, String> constants, Clock clock) {
    if (text.isEmpty()) {
      return new ChatTemplate(source, Optional.empty(), constants, clock);
    }
    try {
      return new ChatTemplate(source, Optional.of(JinjaTemplate.parse(text)), constants, clock);
    } catch (JinjaException e) {
      throw failure(source, e);
    }
  }

  boolean isThere() {
    return template.isPresent();
  }

  /** The conversation as the template writes it. */
  public String render(List<Message> messages, boolean addGenerationPrompt) {
    if (template.isEmpty()) {
      throw new UnsupportedModelException(
          source
              + ": the checkpoint has no chat template, so it cannot be asked anything; put one"
              + " into chat_template.jinja in its folder ('autodidact import' makes a folder of a GGUF"
              + " file)");
    }
    Map<String, Object> variables = new HashMap<>(constants);
    variables.put("messages", messages.stream().map(ChatTemplate::variables).toList());
    variables.put("add_generation_prompt", addGenerationPrompt);
    // Transformers passes None where there are none, and templates ask for 'is defined'.
    variables.put("tools", null);
    variables.put("documents", null);
    try {
      return template.get().render(variables, clock);
    } catch (JinjaException e) {
      throw failure(source, e);
    }
  }

  /** In this order, which a template can see. */
  private static Map<String, Object> variables(Message message) {
    Map<String, Object> variables = new LinkedHashMap<>();
    variables.put("role", message.role());
    variables.put("content", message.content());
    return variables;
  }

  private static RuntimeException failure(String source, JinjaException e) {
    String where = source + ", line " + e.line() + ": ";
    return e.isRaised()
        ? new InvalidInputException(
            where + "the chat template refuses this conversation: " + e.getMessage(), e)
        : new UnsupportedModelException(
            where + "the chat template cannot be run: " + e.getMessage(), e);
  }
}
