package org.autodidact.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.function.BooleanSupplier;
import org.autodidact.api.SamplingParameters;
import org.autodidact.openai.http.Server;

/**
 * vLLM's {@code /completions}: a prompt of token ids, {@code return_token_ids} (since 0.10.2), and
 * {@code prompt_logprobs}. Its {@code /inference/v1/generate} has no more for us and is not there
 * unless the server was started for it.
 */
final class VllmRoute extends TokenRoute {
  private static final String PATH = "/completions";

  VllmRoute(Server server, boolean checksModel, String model) {
    super(server, checksModel, model);
  }

  @Override
  protected ServerKind kind() {
    return ServerKind.VLLM;
  }

  @Override
  List<Drawn> sample(Sampled request, BooleanSupplier isEnding) {
    SamplingParameters sampling = request.sampling();
    ObjectNode body = object().put("model", model);
    body.set("prompt", array(request.prompt()));
    body.put("max_tokens", sampling.maxTokens())
        .put("temperature", sampling.temperature())
        .put("top_p", sampling.topP())
        .put("seed", ChatCompletions.folded(request.seeds().get(0)));
    if (request.seeds().size() > 1) {
      body.put("n", request.seeds().size());
    }
    addStops(body, sampling);
    body.set("stop_token_ids", array(request.stopTokens()));
    body.put("logprobs", 1).put("return_token_ids", true);
    kind().addSampling(body, sampling);
    JsonNode answer = server.post(PATH, body, isEnding);
    JsonNode usage = answer.path("usage");
    server
        .budget()
        .addTokens(
            usage.path("prompt_tokens").asLong(0), usage.path("completion_tokens").asLong(0));
    ChatCompletions.checkModel(server, checksModel, model, answer);
    List<Drawn> drawn = new ArrayList<>();
    for (JsonNode choice : choices(answer, request.seeds().size())) {
      drawn.add(drawn(request, choice, answer));
    }
    requireCount("prompt", usage.path("prompt_tokens"), request.prompt().size(), answer);
    requireCount(
        "answers",
        usage.path("completion_tokens"),
        drawn.stream().mapToInt(d -> d.tokens().size()).sum(),
        answer);
    return drawn;
  }

  private Drawn drawn(Sampled request, JsonNode choice, JsonNode answer) {
    List<Integer> tokens = ids(choice.path("token_ids"), answer);
    JsonNode prompt = choice.path("prompt_token_ids");
    if (prompt.isArray() && !prompt.equals(array(request.prompt()))) {
      throw foreign("is to another prompt than the token ids that were sent", answer);
    }
    List<Double> logProbabilities = new ArrayList<>();
    for (JsonNode value : choice.at("/logprobs/token_logprobs")) {
      logProbabilities.add(logProbability(value, answer));
    }
    if (logProbabilities.size() != tokens.size()) {
      throw foreign(
          "has " + tokens.size() + " token ids and logprobs of " + logProbabilities.size(), answer);
    }
    return switch (choice.path("finish_reason").asText("")) {
      case "stop" -> new Drawn(tokens, logProbabilities, true);
      case "length" -> new Drawn(tokens, logProbabilities, false);
      default -> throw foreign("has no finish_reason that is known", answer);
    };
  }

  private JsonNode choices(JsonNode answer, int expected) {
    JsonNode choices = answer.path("choices");
    if (choices.size() != expected) {
      throw foreign("has " + choices.size() + " choices of " + expected, answer);
    }
    for (int i = 0; i < expected; i++) {
      if (choices.get(i).path("index").asInt(i) != i) {
        throw foreign("has choices out of their order", answer);
      }
    }
    return choices;
  }

  /** One request scores all lists; vLLM does not use its prefix cache for it. */
  @Override
  List<Double> score(List<Integer> before, List<List<Integer>> scored, BooleanSupplier isEnding) {
    ObjectNode body = object().put("model", model);
    ArrayNode prompts = body.putArray("prompt");
    for (List<Integer> tokens : scored) {
      prompts.add(array(before).addAll(array(tokens)));
    }
    // a token is sampled, as not every version takes none; it is not looked at
    body.put("max_tokens", 1).put("temperature", 0).put("prompt_logprobs", 1);
    JsonNode answer = server.post(PATH, body, isEnding);
    server.budget().addTokens(answer.at("/usage/prompt_tokens").asLong(0), 0);
    JsonNode choices = choices(answer, scored.size());
    List<Double> sums = new ArrayList<>();
    for (int i = 0; i < scored.size(); i++) {
      JsonNode values = choices.get(i).path("prompt_logprobs");
      List<Integer> tokens = scored.get(i);
      if (values.size() != before.size() + tokens.size()) {
        throw foreign(
            "has no prompt_logprobs for "
                + (before.size() + tokens.size())
                + " tokens, which were asked for",
            answer);
      }
      double sum = 0;
      for (int t = 0; t < tokens.size(); t++) {
        JsonNode value =
            values.get(before.size() + t).path(tokens.get(t).toString()).path("logprob");
        if (!value.isNumber() || Double.isNaN(value.doubleValue())) {
          throw foreign("has no log-probability of the token " + tokens.get(t), answer);
        }
        sum += Math.min(0, value.doubleValue()); // rounding may lift a certain token's above 0
      }
      sums.add(sum);
    }
    return sums;
  }
}
