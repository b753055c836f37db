package org.autodidact.checkpoints;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.autodidact.checkpoints.json.JsonFiles;

/**
 * A small random checkpoint of each architecture and transformers' numbers for it; both were made
 * by src/test/python/make_architectures.py.
 */
public final class SmallModels {
  /** The checkpoints' names. */
  public static final List<String> NAMES =
      List.of("qwen2", "qwen2_window", "mistral", "qwen3", "gemma3_text", "smollm3", "granite");

  private SmallModels() {}

  /** For {@code @MethodSource}. */
  public static List<String> names() {
    return NAMES;
  }

  /** The checkpoint, with a tokenizer, which it needs to be opened and nobody asks. */
  public static Path write(Path folder, String name) {
    TinyModel.write(folder, 1);
    try {
      for (String file : List.of("config.json", "model.safetensors")) {
        Files.write(folder.resolve(file), bytes(name + "/" + file));
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return folder;
  }

  /** One object a prompt, from a file below architectures/. */
  public static JsonNode numbers(String file) {
    try {
      return JsonFiles.MAPPER.readTree(bytes(file));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static byte[] bytes(String file) throws IOException {
    try (InputStream in = SmallModels.class.getResourceAsStream("architectures/" + file)) {
      return in.readAllBytes();
    }
  }
}
