package org.autodidact.checkpoints;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.gguf.Gguf;
import org.autodidact.checkpoints.json.JsonFiles;
import org.junit.jupiter.api.Assumptions;

/**
 * The reference numbers from PyTorch and the model that they were made of. They lie outside of the
 * project: system properties name the folders. Where they do not, tests that need them are skipped
 * and say so; in CI they fail instead.
 */
public final class Golden {
  private Golden() {}

  /** golden/smollm2.json. */
  public static JsonNode numbers() {
    try {
      return JsonFiles.MAPPER.readTree(shared("golden/smollm2.json").toFile());
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  /**
   * The objects of a file of JSON lines below the folder that {@code -Dautodidact.shared} names.
   */
  public static List<JsonNode> lines(String file) {
    List<JsonNode> found = new ArrayList<>();
    try {
      for (String line : Files.readAllLines(shared(file))) {
        found.add(JsonFiles.MAPPER.readTree(line));
      }
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
    return found;
  }

  /** A file below the folder that {@code -Dautodidact.shared} names. */
  public static Path shared(String file) {
    return require("autodidact.shared", file);
  }

  /** SmolLM2-135M-Instruct as a Hugging Face folder, imported once. */
  public static synchronized Path smollm2() {
    Path gguf = require("autodidact.models", "SmolLM2-135M-Instruct.Q4_1.gguf");
    Path folder = gguf.resolveSibling("SmolLM2-135M-Instruct.imported");
    if (!Files.exists(folder)) {
      Gguf.importInto(gguf, folder);
    }
    return folder;
  }

  /**
   * Gemma 3 270M as a Hugging Face folder, imported once. Its licence keeps it from where CI could
   * have it, so that its tests are skipped there too.
   */
  public static synchronized Path gemma3() {
    Path gguf = Path.of(System.getProperty("autodidact.models", ""), "gemma-3-270m-q4_k_m.gguf");
    Assumptions.assumeTrue(
        Files.exists(gguf), "needs -Dautodidact.models=FOLDER with " + gguf.getFileName());
    Path folder = gguf.resolveSibling("gemma-3-270m.imported");
    if (!Files.exists(folder)) {
      Gguf.importInto(gguf, folder);
    }
    return folder;
  }

  private static Path require(String property, String file) {
    String folder = System.getProperty(property, "");
    Path path = Path.of(folder, file);
    boolean there = !folder.isEmpty() && Files.exists(path);
    String message = "needs -D" + property + "=FOLDER with " + file + " in it";
    if (!there && "true".equals(System.getenv("CI"))) {
      throw new AssertionError(message + "; CI never skips it");
    }
    Assumptions.assumeTrue(there, message);
    return path;
  }
}
