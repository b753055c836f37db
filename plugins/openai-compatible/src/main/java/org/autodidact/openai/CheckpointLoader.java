package org.autodidact.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.function.BooleanSupplier;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ServiceUnavailableException;
import org.autodidact.api.ShownText;
import org.autodidact.openai.http.Concurrently;
import org.autodidact.openai.http.Server;

/**
 * Has a server load a checkpoint that lies in a folder, before anything is asked of it. What the
 * server says of it is believed; that it has the right weights is what the run's hand-over check is
 * for, which compares log-probabilities.
 */
record CheckpointLoader(
    Server server, ServerKind kind, ServerOptions options, Cancellation cancellation) {
  private static final Duration PAUSE = Duration.ofMillis(500);
  private static final int SHOWN = 200;

  /**
   * @throws InvalidInputException where the server cannot load it, or does not
   */
  void load(Path folder) {
    String path = options.onServer(folder).toString();
    switch (options.handOver()) {
      case NONE, PATH -> {}
      case WEIGHTS -> call(isEnding -> loadWeights(path, isEnding));
      case COMMAND -> {
        run(path);
        awaitServer();
      }
    }
  }

  private void call(Concurrently.Call<Boolean> work) {
    Concurrently.<Boolean>run(1, List.of(work), done -> {}, cancellation);
  }

  private boolean loadWeights(String path, BooleanSupplier isEnding) {
    switch (kind) {
      case SGLANG -> {
        ObjectNode request = object().put("model_path", path).put("flush_cache", true);
        JsonNode answer = post("/update_weights_from_disk", request, path, isEnding);
        if (!answer.path("success").asBoolean(false)) {
          throw refused(path, answer.path("message").asText("it says no more"));
        }
      }
      case VLLM -> {
        ObjectNode init = object();
        init.putObject("init_info");
        post("/init_weight_transfer_engine", init, path, isEnding);
        post("/start_weight_update", object(), path, isEnding);
        ObjectNode update = object();
        update.putObject("update_info").put("path", path);
        post("/update_weights", update, path, isEnding);
        post("/finish_weight_update", object().put("weight_version", path), path, isEnding);
        // what it kept of prompts was computed by the weights before
        post("/reset_prefix_cache", object(), path, isEnding);
      }
      default -> requireWeights(kind);
    }
    return true;
  }

  /**
   * @throws InvalidInputException where such a server cannot be told to load weights
   */
  static void requireWeights(ServerKind kind) {
    if (kind != ServerKind.SGLANG && kind != ServerKind.VLLM) {
      throw new InvalidInputException(
          "'hand-over: weights' is what the generators 'vllm' and 'sglang' can do; with '"
              + kind.generatorName()
              + "' take path or command");
    }
  }

  private static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  private JsonNode post(String route, ObjectNode body, String path, BooleanSupplier isEnding) {
    try {
      return server.tell(route, body, isEnding);
    } catch (InvalidInputException e) {
      throw refused(path, e.getMessage());
    }
  }

  private InvalidInputException refused(String path, String why) {
    return new InvalidInputException(
        server.address()
            + " does not load "
            + path
            + ": "
            + ShownText.of(why, SHOWN)
            + "; the path must be there on the server ('shared-folder' says where)"
            + (kind == ServerKind.VLLM
                ? ", and vLLM run with VLLM_SERVER_DEV_MODE=1 and --weight-transfer-config"
                    + " '{\"backend\": \"disk\"}'"
                : ""));
  }

  private void run(String path) {
    List<String> words =
        new ArrayList<>(List.of(options.handOverCommand().orElseThrow().strip().split("\\s+")));
    words.add(path);
    Path log = temporaryFile();
    try (HandOverCommand command = HandOverCommand.start(words, log)) {
      if (!command.await(Duration.ofSeconds(options.timeout()), cancellation)) {
        throw new AutodidactException(
            command + " did not end within 'timeout', " + options.timeout() + " s");
      }
      if (command.status() != 0) {
        throw new AutodidactException(
            command
                + " ended with exit code "
                + command.status()
                + ": '"
                + ShownText.of(lastLine(log), SHOWN)
                + "'; the server does not have "
                + path
                + ", nothing was generated: mend the command and resume");
      }
    } finally {
      delete(log);
    }
  }

  private static Path temporaryFile() {
    try {
      return Files.createTempFile("autodidact-hand-over", ".log");
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static String lastLine(Path log) {
    try {
      // what it printed may be in any charset
      String said = new String(Files.readAllBytes(log), StandardCharsets.UTF_8).strip();
      return said.substring(said.lastIndexOf('\n') + 1).strip();
    } catch (IOException e) {
      return "";
    }
  }

  private static void delete(Path log) {
    try {
      Files.deleteIfExists(log);
    } catch (IOException e) {
      // a small file in the temporary folder stays
    }
  }

  /** A server that was started anew is asked until it answers. */
  private void awaitServer() {
    long end = System.nanoTime() + TimeUnit.SECONDS.toNanos(options.timeout());
    while (true) {
      try {
        Models.of(server, cancellation);
        return;
      } catch (ServiceUnavailableException e) {
        if (System.nanoTime() > end) {
          throw e;
        }
      }
      if (cancellation.await(PAUSE)) {
        cancellation.throwIfCancelled();
      }
    }
  }
}
