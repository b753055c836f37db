package org.autodidact.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.BooleanSupplier;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.ShownText;
import org.autodidact.openai.http.Server;

/** The tokenizer and chat template that a server has for its model. */
final class ServerTokens implements Tokens {
  /** Characters of a text whose tokens are kept, as a judge's digits. */
  private static final int SHORT = 32;

  private final Server server;
  private final ServerKind kind;
  private final String model;
  private final Map<String, List<Integer>> shortTexts = new ConcurrentHashMap<>();

  ServerTokens(Server server, ServerKind kind, String model) {
    this.server = server;
    this.kind = kind;
    this.model = model;
  }

  @Override
  public List<Integer> text(String text, BooleanSupplier isEnding) {
    if (text.isEmpty()) {
      return List.of();
    }
    Optional<List<Integer>> known = Optional.ofNullable(shortTexts.get(text));
    if (known.isPresent()) {
      return known.get();
    }
    List<Integer> tokens =
        kind == ServerKind.LLAMA_CPP
            ? tokenize(
                object().put("content", text).put("add_special", false).put("parse_special", false),
                isEnding)
            : tokenize(object().put("prompt", text).put("add_special_tokens", false), isEnding);
    if (text.length() <= SHORT) {
      shortTexts.put(text, tokens);
    }
    return tokens;
  }

  @Override
  public List<Integer> prompt(List<Message> messages, BooleanSupplier isEnding) {
    return conversation(messages, true, isEnding);
  }

  private List<Integer> conversation(
      List<Message> messages, boolean continues, BooleanSupplier isEnding) {
    ObjectNode request = object();
    request.set("messages", ChatCompletions.messages(messages));
    if (kind == ServerKind.LLAMA_CPP) {
      request.put("add_generation_prompt", continues);
      JsonNode answer = server.tell("/apply-template", request, isEnding);
      if (!answer.path("prompt").isTextual()) {
        throw foreign("has no prompt", answer);
      }
      return tokenize(
          object()
              .put("content", answer.path("prompt").textValue())
              .put("add_special", true)
              .put("parse_special", true),
          isEnding);
    }
    if (kind == ServerKind.VLLM) {
      request.put("add_generation_prompt", continues);
    }
    return tokenize(request, isEnding);
  }

  /**
   * The token that closes an answer: the first of those that follow an answer in the template,
   * whatever the answer is.
   */
  @Override
  public List<Integer> endOfTurn(Prompt prompt, BooleanSupplier isEnding) {
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
    return List.of(one.get(one.size() - same));
  }

  private List<Integer> answered(Prompt prompt, String answer, BooleanSupplier isEnding) {
    List<Message> messages = new ArrayList<>(prompt.messages());
    messages.add(Message.assistant(answer));
    messages.add(Message.user("b")); // llama.cpp leaves a last answer open, to be continued
    return conversation(messages, false, isEnding);
  }

  private ObjectNode object() {
    return JsonNodeFactory.instance.objectNode().put("model", model);
  }

  private List<Integer> tokenize(ObjectNode request, BooleanSupplier isEnding) {
    JsonNode answer =
        server.tell(kind == ServerKind.SGLANG ? "/v1/tokenize" : "/tokenize", request, isEnding);
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
    return kind.foreign(server, what, answer);
  }
}
