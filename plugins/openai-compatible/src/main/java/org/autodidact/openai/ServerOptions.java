package org.autodidact.openai;

import java.nio.file.Path;
import java.time.Duration;
import java.util.Optional;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Secret;
import org.autodidact.api.Setting;
import org.autodidact.api.ShownText;
import org.autodidact.openai.http.Address;
import org.autodidact.openai.http.Budget;
import org.autodidact.openai.http.Limits;
import org.autodidact.openai.http.Server;

/** The options of a generator on a server. */
record ServerOptions(
    @Setting("the server's address with its version, as http://localhost:8000/v1") String url,
    @Setting("the key, by the environment variable that has it, as ${OPENAI_API_KEY}")
        Optional<Secret> key,
    @Setting("the model's name on the server, where the run names it otherwise")
        Optional<String> model,
    @Setting(value = "requests at a time", range = "[1, 1024]", byDefault = "8") int concurrency,
    @Setting(value = "seconds for one answer", range = "[1, 86400]", byDefault = "600") int timeout,
    @Setting(
            value = "how often a request is sent again that met a limit, a fault or a cut",
            range = "[0, 100]",
            byDefault = "8")
        int retries,
    @Setting(value = "requests a minute at most, evenly", range = "[1, 1000000]")
        Optional<Integer> requestsPerMinute,
    @Setting(
            value = "requests after which it stops, each time that it is opened",
            range = "[1, 1e15]")
        Optional<Long> maxRequests,
    @Setting(
            value = "tokens in and out after which it stops, each time that it is opened",
            range = "[1, 1e15]")
        Optional<Long> maxTokens,
    @Setting(value = "asks for log-probabilities, which not every server has", byDefault = "false")
        boolean logProbabilities,
    @Setting(
            value =
                "asks for all candidates of a prompt by one request, which not every server answers",
            byDefault = "false")
        boolean oneRequestAPrompt,
    @Setting(
            value = "the name by which the server takes the limit of new tokens",
            byDefault = "max-tokens")
        LimitName limitName,
    @Setting(value = "whether an answer by a model of another name is refused", byDefault = "true")
        boolean checkModel,
    @Setting(value = "how the server comes to have an iterate, a folder here", byDefault = "none")
        HandOver handOver,
    @Setting(
            "with hand-over command: the program and its arguments, started without a shell; it is"
                + " given the folder, and ends with 0 when the server has it")
        Optional<String> handOverCommand,
    @Setting("a folder here and its path on the server, as /data/runs=/mnt/runs")
        Optional<String> sharedFolder,
    @Setting(
            value =
                "how far a token's log-probability may lie from the trainer's by rounding, in nats",
            range = "(0, 1]",
            byDefault = "0.05")
        double rounding) {

  ServerOptions {
    if (handOverCommand.isPresent() != (handOver == HandOver.COMMAND)) {
      throw new InvalidInputException(
          "the option 'hand-over-command' belongs to 'hand-over: command', and that to it");
    }
    if (handOverCommand.filter(String::isBlank).isPresent()) {
      throw new InvalidInputException("the option 'hand-over-command' is empty; name a program");
    }
    sharedFolder.ifPresent(ServerOptions::shared);
  }

  /** How a server comes to have a checkpoint. */
  enum HandOver {
    /** It does not: the run's iterates are not what it serves. */
    NONE,
    /** It loads what a request names by its path, as transformers serve does. */
    PATH,
    /** It is told to load its weights from there, as vLLM and SGLang can be. */
    WEIGHTS,
    /** A command of the user's sees to it. */
    COMMAND
  }

  /** A folder's path on the server. */
  Path onServer(Path folder) {
    Path here = folder.toAbsolutePath().normalize();
    if (sharedFolder.isEmpty()) {
      return here;
    }
    Shared shared = shared(sharedFolder.get());
    if (!here.startsWith(shared.here())) {
      throw new InvalidInputException(
          here
              + " does not lie in "
              + shared.here()
              + ", the folder of the option 'shared-folder': the server cannot read it");
    }
    return shared.there().resolve(shared.here().relativize(here));
  }

  private record Shared(Path here, Path there) {}

  private static Shared shared(String text) {
    int at = text.indexOf('=');
    if (at <= 0 || at == text.length() - 1 || !Path.of(text.substring(at + 1)).isAbsolute()) {
      throw new InvalidInputException(
          "the option 'shared-folder' must be a folder here and its whole path on the server, as"
              + " /data/runs=/mnt/runs, found '"
              + ShownText.of(text, 80)
              + "'");
    }
    return new Shared(
        Path.of(text.substring(0, at)).toAbsolutePath().normalize(),
        Path.of(text.substring(at + 1)).normalize());
  }

  /** The names of the limit of new tokens. */
  enum LimitName {
    /** The usual one. */
    MAX_TOKENS("max_tokens"),
    /** That of OpenAI's models that reason. */
    MAX_COMPLETION_TOKENS("max_completion_tokens");

    private final String field;

    LimitName(String field) {
      this.field = field;
    }

    String field() {
      return field;
    }
  }

  /** The server, not asked yet. */
  Server server() {
    return new Server(
        Address.parse(url),
        key,
        new Limits(Duration.ofSeconds(timeout), retries, requestsPerMinute),
        new Budget(maxRequests, maxTokens));
  }
}
