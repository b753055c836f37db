package org.autodidact.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.SplittableRandom;
import java.util.TreeSet;
import java.util.function.IntToDoubleFunction;

/**
 * Answers to token ids in the forms of vLLM, SGLang and llama.cpp. The model writes letters with
 * {@code TinyModel}'s tokenizer, a byte and 3 a token, and ends by 2.
 *
 * @param logProbability ln p of a token, wherever it stands
 */
record StubTokens(IntToDoubleFunction logProbability) {
  static final int END = 2;

  /** What is sampled: ids, the text before a stop, why it ended, and what of. */
  private record Answer(List<Integer> tokens, String text, String reason, Optional<String> stop) {}

  private Answer sample(JsonNode prompt, JsonNode sampling, int most, long seed) {
    boolean mostLikely =
        sampling.path("temperature").asDouble() == 0
            || sampling.path("top_p").asDouble(1) < 0.01
            || sampling.path("top_k").asInt() == 1
            || sampling.path("min_p").asDouble() == 1;
    int penalty =
        sampling.path("repetition_penalty").asInt(sampling.path("repeat_penalty").asInt(1));
    SplittableRandom random =
        new SplittableRandom(
            prompt.toString().hashCode() * 31L + (mostLikely ? 0 : seed * 7919) + penalty);
    Set<Integer> stopTokens = new TreeSet<>();
    sampling.path("stop_token_ids").forEach(id -> stopTokens.add(id.intValue()));
    List<Integer> tokens = new ArrayList<>();
    StringBuilder text = new StringBuilder();
    if (text(prompt).contains("Score: ")) { // it is asked to judge
      text.append("Good. Score: ").append(random.nextInt(6));
      text.chars().forEach(c -> tokens.add(3 + c));
      tokens.add(END);
      return new Answer(tokens, text.toString(), "stop", Optional.empty());
    }
    while (tokens.size() < most) {
      boolean ends = random.nextInt(9) == 0 && !sampling.path("ignore_eos").asBoolean();
      int token = ends ? END : 3 + 'a' + random.nextInt(12);
      for (JsonNode forced : sampling.path("logit_bias")) {
        token = forced.get(0).intValue();
      }
      tokens.add(token);
      if (token == END || stopTokens.contains(token)) {
        return new Answer(tokens, text.toString(), "stop", Optional.empty());
      }
      text.append(new String(new byte[] {(byte) (token - 3)}, StandardCharsets.ISO_8859_1));
      for (JsonNode stop : sampling.path("stop")) {
        int at = text.indexOf(stop.asText());
        if (at >= 0) {
          return new Answer(tokens, text.substring(0, at), "stop", Optional.of(stop.asText()));
        }
      }
    }
    return new Answer(tokens, text.toString(), "length", Optional.empty());
  }

  private static String text(JsonNode ids) {
    StringBuilder text = new StringBuilder();
    ids.forEach(id -> text.append((char) (id.intValue() - 3)));
    return text.toString();
  }

  private double logProbability(JsonNode id) {
    return logProbability.applyAsDouble(id.intValue());
  }

  /** {@code /v1/completions} with {@code return_token_ids}. */
  ObjectNode vllm(JsonNode request) {
    ObjectNode answer = StubServer.JSON.createObjectNode();
    answer.put("id", "cmpl-1").put("object", "text_completion");
    answer.put("model", request.path("model").asText());
    ArrayNode choices = answer.putArray("choices");
    JsonNode prompt = request.path("prompt");
    int written = 0;
    for (int i = 0; i < request.path("n").asInt(1); i++) {
      Answer sampled =
          sample(
              prompt,
              request,
              request.path("max_tokens").asInt(),
              request.path("seed").asLong() + i);
      written += sampled.tokens().size();
      ObjectNode choice = choices.addObject().put("index", i).put("text", sampled.text());
      ArrayNode values = choice.putObject("logprobs").putArray("token_logprobs");
      sampled.tokens().forEach(t -> values.add(logProbability.applyAsDouble(t)));
      choice.put("finish_reason", sampled.reason());
      choice.put("stop_reason", sampled.stop().orElse(null));
      choice.putNull("prompt_logprobs");
      choice.set("prompt_token_ids", prompt);
      choice.set("token_ids", StubServer.JSON.valueToTree(sampled.tokens()));
    }
    answer.putObject("usage").put("prompt_tokens", prompt.size()).put("completion_tokens", written);
    return answer;
  }

  /** {@code /generate}. */
  JsonNode sglang(JsonNode request) {
    JsonNode prompts = request.path("input_ids");
    if (prompts.path(0).isInt()) {
      return sglang(request, prompts, request.path("sampling_params"));
    }
    ArrayNode all = StubServer.JSON.createArrayNode();
    for (int i = 0; i < prompts.size(); i++) {
      JsonNode sampling = request.path("sampling_params");
      all.add(sglang(request, prompts.get(i), sampling.isArray() ? sampling.get(i) : sampling));
    }
    return all;
  }

  private ObjectNode sglang(JsonNode request, JsonNode prompt, JsonNode sampling) {
    Answer sampled =
        sample(
            prompt,
            sampling,
            sampling.path("max_new_tokens").asInt(),
            sampling.path("sampling_seed").asLong());
    ObjectNode answer = StubServer.JSON.createObjectNode().put("text", sampled.text());
    answer.set("output_ids", StubServer.JSON.valueToTree(sampled.tokens()));
    ObjectNode meta = answer.putObject("meta_info").put("id", "1");
    ObjectNode finish = meta.putObject("finish_reason").put("type", sampled.reason());
    if (sampled.reason().equals("stop")) {
      sampled
          .stop()
          .ifPresentOrElse(s -> finish.put("matched", s), () -> finish.put("matched", END));
    } else {
      finish.put("length", sampled.tokens().size());
    }
    meta.put("prompt_tokens", prompt.size()).put("completion_tokens", sampled.tokens().size());
    ArrayNode inputs = meta.putArray("input_token_logprobs");
    int start = request.path("logprob_start_len").asInt(-1);
    for (int i = start; start >= 0 && i < prompt.size(); i++) {
      ArrayNode entry = inputs.addArray();
      if (i == start) {
        entry.addNull();
      } else {
        entry.add(logProbability(prompt.get(i)));
      }
      entry.add(prompt.get(i)).addNull();
    }
    ArrayNode outputs = meta.putArray("output_token_logprobs");
    double temperature = sampling.path("temperature").asDouble(1);
    for (int token : sampled.tokens()) {
      outputs
          .addArray()
          // after temperature, which is 1 for greedy ones
          .add(logProbability.applyAsDouble(token) / (temperature == 0 ? 1 : temperature))
          .add(token)
          .addNull();
    }
    return answer;
  }

  /** {@code /completion}. */
  JsonNode llamaCpp(JsonNode request) {
    if (!request.has("n_cmpl")) {
      return llamaCpp(request, 0);
    }
    ArrayNode all = StubServer.JSON.createArrayNode();
    for (int i = 0; i < request.path("n_cmpl").asInt(); i++) {
      all.add(llamaCpp(request, i));
    }
    return all;
  }

  private ObjectNode llamaCpp(JsonNode request, int index) {
    JsonNode prompt = request.path("prompt");
    Answer sampled =
        sample(
            prompt,
            request,
            request.path("n_predict").asInt(),
            request.path("seed").asLong() + index);
    ObjectNode answer =
        StubServer.JSON.createObjectNode().put("index", index).put("content", sampled.text());
    answer.set("tokens", StubServer.JSON.valueToTree(sampled.tokens()));
    answer.put("stop", true).put("model", request.path("model").asText());
    answer
        .put("tokens_predicted", sampled.tokens().size())
        .put("tokens_evaluated", prompt.size())
        .put("truncated", false);
    answer.put(
        "stop_type",
        sampled.reason().equals("length") ? "limit" : sampled.stop().isPresent() ? "word" : "eos");
    answer.put("stopping_word", sampled.stop().orElse(""));
    ArrayNode probabilities = answer.putArray("completion_probabilities");
    // none of the tokens of a stop text
    int said = sampled.tokens().size() - sampled.stop().map(String::length).orElse(0);
    for (int token : sampled.tokens().subList(0, said)) {
      probabilities
          .addObject()
          .put("id", token)
          .put("logprob", logProbability.applyAsDouble(token))
          .putArray("top_logprobs");
    }
    return answer;
  }
}
