package org.autodidact.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.BooleanSupplier;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.ShownText;
import org.autodidact.openai.http.Server;

/** A server's own routes that take token ids and answer token ids. Thread-safe. */
abstract class TokenRoute {
  protected final Server server;
  protected final boolean checksModel;
  protected final String model;

  TokenRoute(Server server, boolean checksModel, String model) {
    this.server = server;
    this.checksModel = checksModel;
    this.model = model;
  }

  /** The routes of such a server, where it has any. */
  static Optional<TokenRoute> of(
      ServerKind kind, Server server, boolean checksModel, String model) {
    return switch (kind) {
      case VLLM -> Optional.of(new VllmRoute(server, checksModel, model));
      case SGLANG -> Optional.of(new SglangRoute(server, checksModel, model));
      case LLAMA_CPP -> Optional.of(new LlamaCppRoute(server, checksModel, model));
      case OTHER -> Optional.empty();
    };
  }

  /**
   * What is to be sampled by one request.
   *
   * @param prompt token ids, at least one
   * @param seeds a seed for each answer
   * @param stopTokens ids that end an answer, where the server can be told any
   */
  record Sampled(
      List<Integer> prompt,
      List<Long> seeds,
      SamplingParameters sampling,
      Set<Integer> stopTokens) {}

  /**
   * A sampled answer.
   *
   * @param tokens its ids, the end's too
   * @param logProbabilities ln p under the model itself of each of the first tokens; fewer than
   *     there are tokens where the server does not say it of all
   * @param isStopped whether it ended of itself, and not at a limit
   */
  record Drawn(List<Integer> tokens, List<Double> logProbabilities, boolean isStopped) {}

  /** Samples; an answer for each seed, in their order. */
  abstract List<Drawn> sample(Sampled request, BooleanSupplier isEnding);

  /** Sums of ln p of the tokens of each list, after the tokens before. */
  abstract List<Double> score(
      List<Integer> before, List<List<Integer>> scored, BooleanSupplier isEnding);

  protected static ObjectNode object() {
    return JsonNodeFactory.instance.objectNode();
  }

  protected static ArrayNode array(Iterable<Integer> ids) {
    ArrayNode array = JsonNodeFactory.instance.arrayNode();
    ids.forEach(array::add);
    return array;
  }

  protected static void addStops(ObjectNode request, SamplingParameters sampling) {
    if (!sampling.stop().isEmpty()) {
      ArrayNode stop = request.putArray("stop");
      sampling.stop().forEach(stop::add);
    }
  }

  /** An answer's token ids, at least one. */
  protected List<Integer> ids(JsonNode ids, JsonNode answer) {
    List<Integer> tokens = new ArrayList<>();
    for (JsonNode id : ids) {
      if (!id.isInt()) {
        throw foreign("has the token id " + ShownText.of(id, 20), answer);
      }
      tokens.add(id.intValue());
    }
    if (tokens.isEmpty()) {
      throw foreign("has no token ids, which were asked for", answer);
    }
    return tokens;
  }

  /** A log-probability; rounding may lift a certain token's above 0. */
  protected double logProbability(JsonNode value, JsonNode answer) {
    if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
      throw foreign("has a log-probability that is no number", answer);
    }
    return Math.min(0, value.doubleValue());
  }

  /** Refuses an answer whose server counts other tokens than it gives, or than it was sent. */
  protected void requireCount(String what, JsonNode said, int expected, JsonNode answer) {
    if (said.isNumber() && said.intValue() != expected) {
      throw foreign(
          "counts " + said.intValue() + " tokens of the " + what + ", expected " + expected,
          answer);
    }
  }

  /** The answers to a request for several, which are a list where there is more than one. */
  protected List<JsonNode> each(JsonNode answer, int expected) {
    List<JsonNode> all = new ArrayList<>();
    if (answer.isArray()) {
      answer.forEach(all::add);
    } else {
      all.add(answer);
    }
    if (all.size() != expected) {
      throw foreign("has " + all.size() + " answers of " + expected, answer);
    }
    return all;
  }

  protected InvalidInputException foreign(String what, JsonNode answer) {
    return kind().foreign(server, what, answer);
  }

  protected abstract ServerKind kind();
}
