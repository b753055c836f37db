package org.autodidact.demo;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.List;
import java.util.Objects;
import org.autodidact.api.StorageException;

/** The resources of the demo. */
final class DemoResources {
  private static final List<String> MODEL =
      List.of(
          "config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "chat_template.jinja",
          "model.safetensors");

  private DemoResources() {}

  static byte[] bytes(String name) {
    try (InputStream in = DemoResources.class.getResourceAsStream(name)) {
      return Objects.requireNonNull(in, name).readAllBytes();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  static String text(String name) {
    return new String(bytes(name), StandardCharsets.UTF_8);
  }

  /** The small model as a folder; written once. */
  static Path unpackModel(Path folder) {
    try {
      Files.createDirectories(folder);
      for (String file : MODEL) {
        if (!Files.exists(folder.resolve(file))) {
          Path part = Files.write(folder.resolve(file + ".part"), bytes("M0/" + file));
          Files.move(part, folder.resolve(file), StandardCopyOption.ATOMIC_MOVE);
        }
      }
      return folder;
    } catch (IOException e) {
      throw new StorageException(folder + ": the demo's model cannot be written: " + e, e);
    }
  }
}
