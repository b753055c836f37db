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
 * SGLang's {@code /generate}: {@code input_ids} in, {@code output_ids} out, and the
 * log-probabilities of both. Each answer of a request has a seed of its own, which SGLang heeds
 * where it was started with {@code --enable-deterministic-inference}.
 */
final class SglangRoute extends TokenRoute {
  private static final String PATH = "/generate";

  SglangRoute(Server server, boolean checksModel, String model) {
    super(server, checksModel, model);
  }

  @Override
  protected ServerKind kind() {
    return ServerKind.SGLANG;
  }

  @Override
  List<Drawn> sample(Sampled request, BooleanSupplier isEnding) {
    ObjectNode body = object();
    int count = request.seeds().size();
    if (count == 1) {
      body.set("input_ids", array(request.prompt()));
      body.set("sampling_params", sampling(request, 0));
    } else {
      ArrayNode prompts = body.putArray("input_ids");
      ArrayNode parameters = body.putArray("sampling_params");
      for (int i = 0; i < count; i++) {
        prompts.add(array(request.prompt()));
        parameters.add(sampling(request, i));
      }
    }
    body.put("return_logprob", true);
    JsonNode answer = server.postAtRoot(PATH, body, isEnding);
    List<Drawn> drawn = new ArrayList<>();
    for (JsonNode one : answers(answer, count)) {
      drawn.add(drawn(request, one));
    }
    return drawn;
  }

  private ObjectNode sampling(Sampled request, int index) {
    SamplingParameters sampling = request.sampling();
    ObjectNode parameters =
        object()
            .put("max_new_tokens", sampling.maxTokens())
            .put("temperature", sampling.temperature())
            .put("top_p", sampling.topP())
            .put("sampling_seed", ChatCompletions.folded(request.seeds().get(index)));
    addStops(parameters, sampling);
    parameters.set("stop_token_ids", array(request.stopTokens()));
    kind().addSampling(parameters, sampling);
    return parameters;
  }

  private List<JsonNode> answers(JsonNode answer, int expected) {
    List<JsonNode> all = each(answer, expected);
    for (JsonNode one : all) {
      JsonNode meta = one.path("meta_info");
      server
          .budget()
          .addTokens(
              meta.path("prompt_tokens").asLong(0), meta.path("completion_tokens").asLong(0));
    }
    return all;
  }

  private Drawn drawn(Sampled request, JsonNode answer) {
    JsonNode meta = answer.path("meta_info");
    List<Integer> tokens = ids(answer.path("output_ids"), answer);
    requireCount("prompt", meta.path("prompt_tokens"), request.prompt().size(), answer);
    requireCount("answer", meta.path("completion_tokens"), tokens.size(), answer);
    List<Double> logProbabilities =
        logProbabilities(meta.path("output_token_logprobs"), 0, tokens, "output", answer);
    JsonNode finish = meta.path("finish_reason").path("type");
    if (!finish.asText().equals("stop") && !finish.asText().equals("length")) {
      throw foreign("has no finish_reason that is known", answer);
    }
    return new Drawn(
        tokens,
        isModels(request.sampling()) ? logProbabilities : List.of(),
        finish.asText().equals("stop"));
  }

  /** Of what it samples, SGLang says ln p after temperature and penalties. */
  private static boolean isModels(SamplingParameters sampling) {
    return (sampling.temperature() == 0 || sampling.temperature() == 1)
        && sampling.repetitionPenalty() == 1;
  }

  /** Entries of value, id and text, of which the first are of other tokens. */
  private List<Double> logProbabilities(
      JsonNode entries, int others, List<Integer> tokens, String which, JsonNode answer) {
    if (entries.size() != others + tokens.size()) {
      throw foreign(
          "has "
              + which
              + "_token_logprobs of "
              + entries.size()
              + " tokens, expected "
              + (others + tokens.size()),
          answer);
    }
    List<Double> values = new ArrayList<>();
    for (int i = 0; i < tokens.size(); i++) {
      JsonNode entry = entries.get(others + i);
      if (entry.path(1).asInt(-1) != tokens.get(i)) {
        throw foreign("has no log-probability of the token " + tokens.get(i), answer);
      }
      values.add(logProbability(entry.path(0), answer));
    }
    return values;
  }

  /** One request scores all lists; nothing is sampled. */
  @Override
  List<Double> score(List<Integer> before, List<List<Integer>> scored, BooleanSupplier isEnding) {
    ObjectNode body = object();
    ArrayNode prompts = body.putArray("input_ids");
    for (List<Integer> tokens : scored) {
      prompts.add(array(before).addAll(array(tokens)));
    }
    body.putObject("sampling_params").put("max_new_tokens", 0).put("temperature", 0);
    // from the last token before, whose own entry is null
    body.put("return_logprob", true).put("logprob_start_len", before.size() - 1);
    JsonNode answer = server.postAtRoot(PATH, body, isEnding);
    List<JsonNode> answers = answers(answer, scored.size());
    List<Double> sums = new ArrayList<>();
    for (int i = 0; i < scored.size(); i++) {
      sums.add(
          logProbabilities(
                  answers.get(i).at("/meta_info/input_token_logprobs"),
                  1,
                  scored.get(i),
                  "input",
                  answer)
              .stream()
              .mapToDouble(p -> p)
              .sum());
    }
    return sums;
  }
}
