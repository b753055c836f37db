package org.autodidact.external;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.HashMap;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;
import org.autodidact.api.StorageException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.json.JsonFiles;

/** The tokenizer of a model that a command left: the base's, whoever wrote its files. */
final class OutputTokenizer {
  private static final String TOKENIZER = "tokenizer.json";
  private static final String CONFIG = "tokenizer_config.json";

  private OutputTokenizer() {}

  /**
   * Adds what a trainer of weights has no need to write.
   *
   * @throws InvalidInputException where a token of the base has another id: what was sampled and
   *     trained, by ids, would be other texts
   */
  static void complete(Path base, Path made) {
    Optional<ObjectNode> written = JsonFiles.readIfThere(made.resolve(TOKENIZER));
    if (written.isPresent()) {
      requireSameIds(JsonFiles.readIfThere(base.resolve(TOKENIZER)), written.get());
    }
    Optional<ObjectNode> config = JsonFiles.readIfThere(made.resolve(CONFIG));
    for (String name : ModelFolder.COMPANIONS) {
      boolean isItsOwn =
          switch (name) {
            case "chat_template.jinja" -> config.filter(c -> c.has("chat_template")).isPresent();
            case "special_tokens_map.json" -> config.isPresent();
            default -> false;
          };
      Path file = base.resolve(name);
      Path copy = made.resolve(name);
      if (!isItsOwn && Files.exists(file) && !Files.exists(copy)) {
        try {
          Files.copy(file, copy);
        } catch (IOException e) {
          throw StorageException.of(copy + ": cannot be written: " + e, e);
        }
      }
    }
  }

  private static void requireSameIds(Optional<ObjectNode> base, ObjectNode made) {
    Map<String, Integer> now = ids(made);
    ids(base.orElse(made))
        .forEach(
            (token, id) -> {
              if (!id.equals(now.get(token))) {
                throw new InvalidInputException(
                    "tokenizer.json is not the base's: the token '"
                        + ShownText.of(token, 40)
                        + "' has the id "
                        + id
                        + " in the base and "
                        + (now.containsKey(token) ? "the id " + now.get(token) : "none")
                        + " here; leave the tokenizer out, and the base's is taken");
              }
            });
  }

  /** The id of each token: a vocabulary is an object, or of Unigram a list in the order of ids. */
  private static Map<String, Integer> ids(ObjectNode tokenizer) {
    Map<String, Integer> ids = new HashMap<>();
    JsonNode vocabulary = tokenizer.path("model").path("vocab");
    vocabulary.properties().forEach(entry -> ids.put(entry.getKey(), entry.getValue().asInt()));
    if (vocabulary.isArray()) {
      for (int i = 0; i < vocabulary.size(); i++) {
        ids.put(vocabulary.get(i).path(0).asText(), i);
      }
    }
    for (JsonNode added : tokenizer.path("added_tokens")) {
      ids.put(added.path("content").asText(), added.path("id").asInt());
    }
    return ids;
  }
}
