package org.autodidact.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.api.ShownText;
import org.autodidact.openai.http.Concurrently;
import org.autodidact.openai.http.Server;

/**
 * Scores texts by vLLM: {@code /tokenize} applies the chat template and the tokenizer, and {@code
 * /completions} with {@code prompt_logprobs} gives the log-probability of every token of a prompt,
 * whose end is what is scored. One request scores all continuations of a prompt.
 *
 * <p>A trainer's numbers are compared with it where the server was handed the trained checkpoint;
 * how it rounds is what the option {@code rounding} says.
 */
final class VllmScorer implements Scorer {
  /** Characters of a text whose tokens are kept, as a judge's digits. */
  private static final int SHORT = 32;

  private final Server server;
  private final int concurrency;
  private final String model;
  private final OptionalDouble rounding;
  private final ServedWeights weights;
  private final Map<String, List<Integer>> shortTexts = new ConcurrentHashMap<>();

  VllmScorer(
      Server server,
      int concurrency,
      String model,
      OptionalDouble rounding,
      ServedWeights weights) {
    this.rounding = rounding;
    this.weights = weights;
    this.server = server;
    this.concurrency = concurrency;
    this.model = model;
  }

  @Override
  public void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
    weights.requireServed();
    List<Concurrently.Call<Scoring>> calls = new ArrayList<>();
    for (ScoringRequest request : requests) {
      calls.add(isEnding -> scoring(request, isEnding));
    }
    Concurrently.run(concurrency, calls, results, cancellation);
  }

  @Override
  public OptionalDouble rounding(int tokens) {
    return rounding;
  }

  private Scoring scoring(ScoringRequest request, BooleanSupplier isEnding) {
    Prompt prompt = request.prompt();
    try {
      List<Integer> before = new ArrayList<>(conversation(prompt.messages(), true, isEnding));
      before.addAll(text(request.prefix(), isEnding));
      List<List<Integer>> scored = new ArrayList<>();
      for (String continuation : request.continuations()) {
        List<Integer> tokens = new ArrayList<>(text(continuation, isEnding));
        if (request.endOfText()) {
          tokens.add(endOfTurn(prompt, isEnding));
        }
        scored.add(tokens);
      }
      scored.addAll(request.tokens());
      JsonNode answer = server.post("/completions", request(before, scored), isEnding);
      server.budget().addTokens(answer.at("/usage/prompt_tokens").asLong(0), 0);
      return new Scoring(
          prompt.id(), sums(answer, before, scored), scored.stream().map(List::size).toList());
    } catch (InvalidInputException e) {
      throw new InvalidInputException(
          "prompt '" + ShownText.of(prompt.id(), 40) + "': " + e.getMessage(), e);
    }
  }

  private ObjectNode request(List<Integer> before, List<List<Integer>> scored) {
    ObjectNode request = JsonNodeFactory.instance.objectNode();
    request.put("model", model);
    ArrayNode prompts = request.putArray("prompt");
    for (List<Integer> tokens : scored) {
      ArrayNode whole = prompts.addArray();
      before.forEach(whole::add);
      tokens.forEach(whole::add);
    }
    // a token is sampled, as not every version takes none; it is not looked at
    return request.put("max_tokens", 1).put("temperature", 0).put("prompt_logprobs", 1);
  }

  private List<Double> sums(JsonNode answer, List<Integer> before, List<List<Integer>> scored) {
    List<Double> sums = new ArrayList<>();
    JsonNode choices = answer.path("choices");
    if (choices.size() != scored.size()) {
      throw foreign(
          "has " + choices.size() + " choices for " + scored.size() + " texts to score", answer);
    }
    for (int i = 0; i < scored.size(); i++) {
      JsonNode choice = choices.get(i);
      JsonNode values = choice.path("prompt_logprobs");
      List<Integer> tokens = scored.get(i);
      if (choice.path("index").asInt(i) != i || values.size() != before.size() + tokens.size()) {
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

  /** A text's tokens on its own. */
  private List<Integer> text(String text, BooleanSupplier isEnding) {
    if (text.isEmpty()) {
      return List.of();
    }
    Optional<List<Integer>> known = Optional.ofNullable(shortTexts.get(text));
    if (known.isPresent()) {
      return known.get();
    }
    ObjectNode request = JsonNodeFactory.instance.objectNode().put("model", model);
    List<Integer> tokens =
        tokenize(request.put("prompt", text).put("add_special_tokens", false), isEnding);
    if (text.length() <= SHORT) {
      shortTexts.put(text, tokens);
    }
    return tokens;
  }

  private List<Integer> conversation(
      List<Message> messages, boolean continues, BooleanSupplier isEnding) {
    ObjectNode request = JsonNodeFactory.instance.objectNode().put("model", model);
    request.set("messages", ChatCompletions.messages(messages));
    return tokenize(request.put("add_generation_prompt", continues), isEnding);
  }

  /**
   * The token that closes an answer: the first of those that follow an answer in the template,
   * whatever the answer is.
   */
  private int endOfTurn(Prompt prompt, BooleanSupplier isEnding) {
    List<Integer> one = answered(prompt, "a", isEnding);
    List<Integer> other = answered(prompt, "9", isEnding);
    int same = 0;
    while (same < Math.min(one.size(), other.size())
        && one.get(one.size() - 1 - same).equals(other.get(other.size() - 1 - same))) {
      same++;
    }
    if (same == 0) {
      throw new InvalidInputException(
          "the chat template of the model '"
              + ShownText.of(model, 60)
              + "' writes nothing after an answer, so that its end cannot be scored");
    }
    return one.get(one.size() - same);
  }

  private List<Integer> answered(Prompt prompt, String answer, BooleanSupplier isEnding) {
    List<Message> messages = new ArrayList<>(prompt.messages());
    messages.add(Message.assistant(answer));
    return conversation(messages, false, isEnding);
  }

  private List<Integer> tokenize(ObjectNode request, BooleanSupplier isEnding) {
    JsonNode answer = server.postAtRoot("/tokenize", request, isEnding);
    List<Integer> tokens = new ArrayList<>();
    for (JsonNode id : answer.path("tokens")) {
      if (!id.isInt() || id.intValue() < 0) {
        throw foreign("has the token id " + ShownText.of(id, 20), answer);
      }
      tokens.add(id.intValue());
    }
    if (tokens.isEmpty()) {
      throw foreign("has no tokens", answer);
    }
    return tokens;
  }

  private InvalidInputException foreign(String what, JsonNode answer) {
    return new InvalidInputException(
        "an answer of "
            + server.address()
            + " "
            + what
            + "; the generator 'vllm' needs vLLM: '"
            + ShownText.of(answer, 80)
            + "'");
  }
}
