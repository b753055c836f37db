package org.autodidact.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.function.BooleanSupplier;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.ShownText;
import org.autodidact.openai.http.Server;

/** {@code /chat/completions}: texts in, texts out; the server has tokenizer and template. */
final class ChatCompletions implements CandidateSource {
  private static final String PATH = "/chat/completions";

  private final Server server;
  private final ServerOptions options;
  private final String model;
  private final ServerKind kind;
  private final boolean owesLogProbabilities;
  private final boolean asksLogProbabilities;
  private final boolean asksTokens;
  private final int vocabulary;

  /**
   * @param offered what the generator says that it can do
   * @param found what the server says about itself
   */
  ChatCompletions(
      Server server, ServerOptions options, String model, ServerKind offered, Models found) {
    this.server = server;
    this.options = options;
    this.model = model;
    this.kind = offered == ServerKind.OTHER ? found.kind() : offered;
    this.owesLogProbabilities = offered.can(GeneratorCapability.LOG_PROBABILITIES);
    this.asksLogProbabilities =
        options.logProbabilities() || owesLogProbabilities || offered == ServerKind.LLAMA_CPP;
    this.asksTokens = offered.can(GeneratorCapability.TOKEN_IDS);
    this.vocabulary = found.vocabulary().orElse(Integer.MAX_VALUE);
  }

  @Override
  public List<Answer> ask(
      Prompt prompt, List<Long> seeds, SamplingParameters sampling, BooleanSupplier isEnding) {
    JsonNode answer;
    try {
      answer = server.post(PATH, request(prompt, seeds, sampling), isEnding);
    } catch (InvalidInputException e) {
      throw new InvalidInputException("prompt '" + prompt.id() + "': " + e.getMessage(), e);
    }
    server
        .budget()
        .addTokens(
            answer.at("/usage/prompt_tokens").asLong(0),
            answer.at("/usage/completion_tokens").asLong(0));
    checkModel(server, options.checkModel(), model, answer);
    JsonNode choices = answer.path("choices");
    if (seeds.size() > 1 && choices.size() != seeds.size()) {
      throw foreign(
          prompt,
          "has "
              + choices.size()
              + " choices of "
              + seeds.size()
              + ", so that the server cannot do 'one-request-a-prompt: true'",
          answer);
    }
    List<Answer> answers = new ArrayList<>();
    for (int i = 0; i < seeds.size(); i++) {
      answers.add(answer(prompt, seeds.get(i), sampling, answer, choices.path(i), seeds.size()));
    }
    return answers;
  }

  private ObjectNode request(Prompt prompt, List<Long> seeds, SamplingParameters sampling) {
    ObjectNode request = JsonNodeFactory.instance.objectNode();
    request.put("model", model);
    request.set("messages", messages(prompt.messages()));
    request.put(options.limitName().field(), sampling.maxTokens());
    request.put("temperature", sampling.temperature());
    request.put("top_p", sampling.topP());
    request.put("seed", folded(seeds.get(0)));
    if (seeds.size() > 1) {
      request.put("n", seeds.size());
    }
    if (!sampling.stop().isEmpty()) {
      ArrayNode stop = request.putArray("stop");
      sampling.stop().forEach(stop::add);
    }
    if (asksLogProbabilities) {
      request.put("logprobs", true);
      if (kind == ServerKind.LLAMA_CPP) {
        request.put("top_logprobs", 1); // its default is 20, at each token
      }
    }
    if (asksTokens) {
      request.put("return_token_ids", true);
    }
    kind.addSampling(request, sampling);
    return request;
  }

  static ArrayNode messages(List<Message> messages) {
    ArrayNode all = JsonNodeFactory.instance.arrayNode();
    for (Message message : messages) {
      all.addObject().put("role", message.role()).put("content", message.content());
    }
    return all;
  }

  /** A seed as every server takes it: 31 bits, not negative. */
  static int folded(long seed) {
    return (int) ((seed ^ (seed >>> 32)) & Integer.MAX_VALUE);
  }

  /** Some answer by a dated name: {@code gpt-4o-2024-08-06} for {@code gpt-4o}. */
  static void checkModel(Server server, boolean checks, String model, JsonNode answer) {
    String found = answer.path("model").asText(model);
    if (checks && !found.equals(model) && !found.startsWith(model + "-")) {
      throw new InvalidInputException(
          server.address()
              + " was asked for the model '"
              + ShownText.of(model, 60)
              + "' and answered by '"
              + ShownText.of(found, 60)
              + "'; name the right one, or set the option 'check-model' to false");
    }
  }

  private Answer answer(
      Prompt prompt,
      long seed,
      SamplingParameters sampling,
      JsonNode answer,
      JsonNode choice,
      int choices) {
    JsonNode content = choice.at("/message/content");
    if (!choice.path("message").isObject() || !(content.isTextual() || content.isNull())) {
      throw foreign(prompt, "has no choice with a message", answer);
    }
    String text = content.isNull() ? "" : content.textValue();
    FinishReason reason = reason(prompt, sampling, choice, answer);
    for (String stop : sampling.stop()) {
      int at = text.indexOf(stop);
      if (at >= 0) { // a server that does not stop there; its tokens are others than the text's
        text = text.substring(0, at);
        return new Answer(
            new Candidate(seed, text, FinishReason.STOP_TEXT), tokens(prompt, answer, "prompt_"));
      }
    }
    List<Integer> tokens = tokens(prompt, choice, "");
    if (asksTokens && tokens.isEmpty() && !text.isEmpty()) {
      throw foreign(prompt, "has no token_ids, which vLLM gives since 0.10.2", answer);
    }
    OptionalInt count = count(tokens, choices, answer);
    if (reason == FinishReason.MAX_TOKENS
        && count.orElse(sampling.maxTokens()) < sampling.maxTokens()) {
      reason = FinishReason.CONTEXT_FULL;
    }
    if (count.orElse(0) > sampling.maxTokens()) {
      throw foreign(
          prompt, "has " + count.getAsInt() + " tokens of " + sampling.maxTokens(), answer);
    }
    return new Answer(
        new Candidate(
            seed,
            text,
            tokens,
            count,
            logProbability(prompt, sampling, count, choice, answer),
            reason),
        tokens(prompt, answer, "prompt_"));
  }

  /** The server counts the tokens of all choices together. */
  private static OptionalInt count(List<Integer> tokens, int choices, JsonNode answer) {
    JsonNode count = answer.at("/usage/completion_tokens");
    if (!tokens.isEmpty()) {
      return OptionalInt.of(tokens.size());
    }
    return choices == 1 && count.isInt() && count.intValue() >= 0
        ? OptionalInt.of(count.intValue())
        : OptionalInt.empty();
  }

  private FinishReason reason(
      Prompt prompt, SamplingParameters sampling, JsonNode choice, JsonNode answer) {
    return switch (choice.path("finish_reason").asText("")) {
      case "stop" -> stopped(sampling, choice) ? FinishReason.STOP_TEXT : FinishReason.END_OF_TEXT;
      case "length" -> FinishReason.MAX_TOKENS;
      case "content_filter" -> FinishReason.FILTERED;
      default -> throw foreign(prompt, "has no finish_reason that is known", answer);
    };
  }

  /**
   * Whether it was a stop text. vLLM ({@code stop_reason}) and SGLang ({@code matched_stop}) give
   * the text, or nothing or the id of an end-of-text token; of others it is not known, and then no
   * end is learned that may not be one.
   */
  private static boolean stopped(SamplingParameters sampling, JsonNode choice) {
    for (String field : List.of("stop_reason", "matched_stop")) {
      if (choice.has(field)) {
        return choice.get(field).isTextual()
            && sampling.stop().contains(choice.get(field).asText());
      }
    }
    return !sampling.stop().isEmpty();
  }

  /**
   * The sum over the tokens. Empty where the server leaves some out, which may be left out: to
   * llama.cpp a stop text's tokens have none.
   */
  private OptionalDouble logProbability(
      Prompt prompt,
      SamplingParameters sampling,
      OptionalInt count,
      JsonNode choice,
      JsonNode answer) {
    JsonNode content = choice.at("/logprobs/content");
    if (!asksLogProbabilities) {
      return OptionalDouble.empty();
    }
    boolean isOwed =
        owesLogProbabilities || options.logProbabilities() && sampling.stop().isEmpty();
    if (!content.isArray() && isOwed) {
      throw foreign(prompt, "has no logprobs, which were asked for", answer);
    }
    if (!content.isArray() || content.size() != count.orElse(content.size())) {
      if (owesLogProbabilities) {
        throw foreign(
            prompt, "has logprobs of " + content.size() + " tokens of " + count.getAsInt(), answer);
      }
      return OptionalDouble.empty();
    }
    double sum = 0;
    for (JsonNode token : content) {
      JsonNode value = token.path("logprob");
      if (!value.isNumber() || !Double.isFinite(value.doubleValue())) {
        throw foreign(prompt, "has a log-probability that is no number", answer);
      }
      sum += Math.min(0, value.doubleValue()); // rounding may lift a certain token's above 0
    }
    return OptionalDouble.of(sum);
  }

  private List<Integer> tokens(Prompt prompt, JsonNode holder, String prefix) {
    List<Integer> tokens = new ArrayList<>();
    if (asksTokens) {
      for (JsonNode id : holder.path(prefix + "token_ids")) {
        if (!id.isInt() || id.intValue() < 0 || id.intValue() >= vocabulary) {
          throw foreign(
              prompt,
              "has the token id " + ShownText.of(id, 20) + " beyond the vocabulary",
              holder);
        }
        tokens.add(id.intValue());
      }
    }
    return tokens;
  }

  private InvalidInputException foreign(Prompt prompt, String what, JsonNode answer) {
    return new InvalidInputException(
        "prompt '"
            + ShownText.of(prompt.id(), 40)
            + "': the answer of "
            + server.address()
            + PATH
            + " "
            + what
            + ": '"
            + ShownText.of(answer, 100)
            + "'");
  }
}
