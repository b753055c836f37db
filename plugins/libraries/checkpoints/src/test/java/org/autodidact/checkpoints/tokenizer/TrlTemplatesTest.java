package org.autodidact.checkpoints.tokenizer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.InputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Message;
import org.autodidact.checkpoints.json.JsonFiles;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Every chat template in TRL's wheel writes what Transformers writes, byte for byte. The hashes are
 * made by src/test/python/make_template_hashes.py; the templates are fetched by
 * scripts/fetch-templates.sh.
 */
class TrlTemplatesTest {
  /** When make_template_hashes.py renders: gpt-oss and Llama 3.2 write the day. */
  private static final Clock CLOCK =
      Clock.fixed(Instant.parse("2026-03-07T09:05:04Z"), ZoneOffset.UTC);

  @TempDir Path folder;

  private static JsonNode resource(String name) throws Exception {
    try (InputStream in = TrlTemplatesTest.class.getResourceAsStream(name)) {
      return JsonFiles.MAPPER.readTree(in);
    }
  }

  @Test
  void everyTemplateWritesWhatTransformersWrites() throws Exception {
    String models = System.getProperty("autodidact.models", "");
    assumeTrue(
        !models.isEmpty(), "skipped: no folder of models (scripts/test.sh gives it; see README)");
    Path templates = Path.of(models, "chat_templates");
    assertThat(templates).as("run scripts/fetch-templates.sh").isDirectory();
    JsonNode conversations = resource("conversations.json");
    JsonNode hashes = resource("template-hashes.json");
    List<String> differ = new ArrayList<>();
    int same = 0;
    for (Map.Entry<String, JsonNode> expected : hashes.properties()) {
      ChatTemplate template = read(templates.resolve(expected.getKey()));
      for (Map.Entry<String, JsonNode> conversation : conversations.properties()) {
        for (int add = 0; add < 2; add++) {
          String found = hash(template, messages(conversation.getValue()), add == 1);
          if (found.equals(expected.getValue().get(conversation.getKey()).get(add).asText())) {
            same++;
          } else {
            differ.add(expected.getKey() + " / " + conversation.getKey() + " / " + add);
          }
        }
      }
    }
    assertThat(differ).as(same + " are the same").isEmpty();
    assertThat(same).isEqualTo(2 * hashes.size() * conversations.size());
  }

  private ChatTemplate read(Path template) throws Exception {
    Files.write(folder.resolve("chat_template.jinja"), Files.readAllBytes(template));
    Files.writeString(
        folder.resolve("tokenizer_config.json"),
        "{\"bos_token\": \"<s>\", \"eos_token\": \"</s>\", \"unk_token\": \"<unk>\","
            + " \"pad_token\": \"<pad>\"}");
    return ChatTemplate.read(folder, CLOCK);
  }

  private static List<Message> messages(JsonNode conversation) {
    List<Message> messages = new ArrayList<>();
    conversation.forEach(
        m -> messages.add(new Message(m.path("role").asText(), m.path("content").asText())));
    return messages;
  }

  private static String hash(ChatTemplate template, List<Message> messages, boolean add)
      throws Exception {
    String text;
    try {
      text = template.render(messages, add);
    } catch (AutodidactException e) {
      return "refused";
    }
    byte[] sum = MessageDigest.getInstance("SHA-256").digest(text.getBytes(StandardCharsets.UTF_8));
    return HexFormat.of().formatHex(sum, 0, 4);
  }
}
