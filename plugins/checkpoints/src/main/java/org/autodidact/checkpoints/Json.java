package org.autodidact.checkpoints;

import com.fasterxml.jackson.core.JsonFactory;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadConstraints;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.Optional;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;

/** JSON files of a checkpoint. */
final class Json {
  static final JsonMapper MAPPER =
      JsonMapper.builder(
              JsonFactory.builder()
                  .streamReadConstraints(
                      StreamReadConstraints.builder().maxStringLength(64 << 20).build())
                  .build())
          .build();

  private Json() {}

  static Optional<ObjectNode> readIfThere(Path file) {
    return Files.exists(file) ? Optional.of(read(file)) : Optional.empty();
  }

  static ObjectNode read(Path file) {
    try {
      return object(Files.readAllBytes(file), file.toString());
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(
          file + ": missing; a checkpoint folder in Hugging Face's layout has it", e);
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
  }

  static ObjectNode object(byte[] bytes, String source) {
    try {
      JsonNode node = MAPPER.readTree(bytes);
      if (node instanceof ObjectNode object) {
        return object;
      }
      throw new InvalidInputException(source + ": expected a JSON object, found something else");
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(source + ": not JSON: " + e.getOriginalMessage(), e);
    } catch (IOException e) {
      throw new StorageException(source + ": cannot be read: " + e, e);
    }
  }

  static byte[] bytes(JsonNode node) {
    try {
      return MAPPER.writerWithDefaultPrettyPrinter().writeValueAsBytes(node);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
