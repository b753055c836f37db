package org.autodidact.openai;

import java.time.Duration;
import java.util.Optional;
import org.autodidact.api.Secret;
import org.autodidact.api.Setting;
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
            value = "the name by which the server takes the limit of new tokens",
            byDefault = "max-tokens")
        LimitName limitName,
    @Setting(value = "whether an answer by a model of another name is refused", byDefault = "true")
        boolean checkModel) {

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
