package org.autodidact.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.autodidact.api.SamplingParameters;
import org.autodidact.openai.http.Server;

/**
 * llama.cpp's {@code /completion}: a prompt of token ids, {@code return_tokens}, and {@code
 * n_probs}.
 *
 * <p>It has no log-probabilities of a prompt's tokens. But those it says of a sampled token are the
 * model's own, before the sampler touches them: a token that a {@code logit_bias} forces is scored
 * exactly. So a request scores a token; what lies before it is in the slot's cache.
 */
final class LlamaCppRoute extends TokenRoute {
  private static final String PATH = "/completion";

  /** Above every logit, and a float of which another's difference is left. */
  private static final double FORCED = 1e9;

  /** More probabilities than a vocabulary has tokens; it gives as many as there are. */
  private static final int ALL = 1 << 22;

  LlamaCppRoute(Server server, boolean checksModel, String model) {
    super(server, checksModel, model);
  }

  @Override
  protected ServerKind kind() {
    return ServerKind.LLAMA_CPP;
  }

  @Override
  List<Drawn> sample(Sampled request, BooleanSupplier isEnding) {
    SamplingParameters sampling = request.sampling();
    ObjectNode body = body(request.prompt(), sampling.maxTokens(), 1);
    body.put("temperature", sampling.temperature())
        .put("top_p", sampling.topP())
        .put("seed", ChatCompletions.folded(request.seeds().get(0)));
    if (request.seeds().size() > 1) {
      body.put("n_cmpl", request.seeds().size());
    }
    addStops(body, sampling);
    kind().addSampling(body, sampling);
    JsonNode answer = server.postAtRoot(PATH, body, isEnding);
    List<Drawn> drawn = new ArrayList<>();
    for (JsonNode one : each(answer, request.seeds().size())) {
      drawn.add(drawn(request.prompt(), one));
    }
    return drawn;
  }

  private ObjectNode body(List<Integer> prompt, int most, int probabilities) {
    ObjectNode body = object().put("model", model);
    body.set("prompt", array(prompt));
    return body.put("n_predict", most)
        .put("return_tokens", true)
        .put("n_probs", probabilities)
        .put("post_sampling_probs", false);
  }

  private Drawn drawn(List<Integer> prompt, JsonNode answer) {
    JsonNode counted = answer.path("tokens_predicted");
    JsonNode evaluated = answer.path("tokens_evaluated");
    server.budget().addTokens(evaluated.asLong(0), counted.asLong(0));
    ChatCompletions.checkModel(server, checksModel, model, answer);
    List<Integer> tokens = ids(answer.path("tokens"), answer);
    requireCount("prompt", evaluated, prompt.size(), answer);
    requireCount("answer", counted, tokens.size(), answer);
    String stop = answer.path("stop_type").asText("");
    return switch (stop) {
      case "eos", "word" -> new Drawn(tokens, logProbabilities(tokens, answer), true);
      case "limit" -> new Drawn(tokens, logProbabilities(tokens, answer), false);
      default -> throw foreign("has no stop_type that is known", answer);
    };
  }

  /**
   * Of the tokens of a stop text, and of those that only begin a character, it says none: then what
   * is known ends before the first of them.
   */
  private List<Double> logProbabilities(List<Integer> tokens, JsonNode answer) {
    JsonNode entries = answer.path("completion_probabilities");
    List<Double> known = new ArrayList<>();
    while (known.size() < Math.min(entries.size(), tokens.size())) {
      JsonNode entry = entries.get(known.size());
      if (entry.path("id").asInt(-1) != tokens.get(known.size())) {
        break;
      }
      known.add(logProbability(entry.path("logprob"), answer));
    }
    if (known.size() < entries.size() && entries.size() >= tokens.size()) {
      throw foreign("has log-probabilities of other tokens than its own", answer);
    }
    return known;
  }

  @Override
  List<Double> score(List<Integer> before, List<List<Integer>> scored, BooleanSupplier isEnding) {
    List<Double> sums = new ArrayList<>();
    for (List<Integer> tokens : scored) {
      List<Integer> prompt = new ArrayList<>(before);
      double sum = 0;
      for (int token : tokens) {
        sum += forced(prompt, token, isEnding);
        prompt.add(token);
      }
      sums.add(sum);
    }
    return sums;
  }

  private double forced(List<Integer> prompt, int token, BooleanSupplier isEnding) {
    JsonNode answer = force(prompt, token, 1, isEnding);
    Drawn drawn = drawn(prompt, answer);
    if (!drawn.tokens().equals(List.of(token))) {
      throw foreign(
          "has " + drawn.tokens() + " where logit_bias forces the token " + token, answer);
    }
    return drawn.logProbabilities().isEmpty()
        ? among(prompt, token, isEnding)
        : drawn.logProbabilities().get(0);
  }

  /**
   * Of a token that only begins a character it says nothing; but among all tokens in the place of
   * another, as the prompt's first, which is the template's.
   */
  private double among(List<Integer> prompt, int token, BooleanSupplier isEnding) {
    JsonNode answer = force(prompt, prompt.get(0), ALL, isEnding);
    drawn(prompt, answer);
    for (JsonNode entry : answer.at("/completion_probabilities/0/top_logprobs")) {
      if (entry.path("id").asInt(-1) == token) {
        return logProbability(entry.path("logprob"), answer);
      }
    }
    throw foreign("has no log-probability of the token " + token, answer);
  }

  private JsonNode force(
      List<Integer> prompt, int token, int probabilities, BooleanSupplier isEnding) {
    ObjectNode body = body(prompt, 1, probabilities).put("temperature", 0).put("ignore_eos", false);
    body.putArray("samplers");
    body.putArray("logit_bias").addArray().add(token).add(FORCED);
    return server.postAtRoot(PATH, body, isEnding);
  }
}
