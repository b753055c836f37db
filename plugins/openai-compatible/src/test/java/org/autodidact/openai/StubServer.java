package org.autodidact.openai;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.UnaryOperator;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A server whose model writes words that its seed and the conversation decide, as vLLM would answer
 * them. It counts, and fails as it is told to.
 */
final class StubServer implements AutoCloseable {
  static final String MODEL = "a-model";
  static final ObjectMapper JSON = new ObjectMapper();
  private static final int END = 0;
  private static final Pattern ITERATE = Pattern.compile("/M([0-9]+)\"");
  private static final List<String> WORDS =
      List.of("</s>", "a", "be", "see", "dee", "he", "if", "gee", "each", "eye", "jay", "ok");

  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();
  private final AtomicInteger posts = new AtomicInteger();
  private final AtomicInteger atWork = new AtomicInteger();

  /** Requests for an answer, those that failed, and the most that were at work at once. */
  final AtomicInteger requests = new AtomicInteger();

  final AtomicInteger failures = new AtomicInteger();
  final AtomicInteger most = new AtomicInteger();

  /** How often each conversation and seed was answered whole. */
  final Map<String, Integer> answered = new ConcurrentHashMap<>();

  final List<JsonNode> bodies = java.util.Collections.synchronizedList(new ArrayList<>());
  final List<String> keys = java.util.Collections.synchronizedList(new ArrayList<>());

  volatile String owner = "vllm";
  volatile boolean fails;
  volatile long slow;

  /** Requests to load weights: the route and the body of each. */
  final List<String> told = java.util.Collections.synchronizedList(new ArrayList<>());

  /** What is answered to them. */
  volatile Reply loaded = new Reply(200, "{\"success\":true,\"message\":\"ok\"}", "");

  /** By how much its log-probability of each token of a prompt is lower. */
  volatile double shift;

  /** The model that it was given last, which lowers it too: by 0.1 for M2, 0.2 for M3. */
  private volatile int weights = 1;

  private final StubTokens tokens = new StubTokens(this::logProbability);

  /** Changes a whole answer's text before it is sent. */
  volatile UnaryOperator<String> change = text -> text;

  /** An answer in place of the model's, to requests for an answer. */
  volatile Reply instead = Reply.NONE;

  /** A status, a body and one header, {@code Name: value}, or an empty text. */
  record Reply(int status, String body, String header) {
    static final Reply NONE = new Reply(0, "", "");
  }

  private static final Set<Integer> PORTS = ConcurrentHashMap.newKeySet();

  StubServer() {
    server = onNewPort();
    server.createContext("/", this::handle);
    server.setExecutor(threads);
    server.start();
  }

  /** On a port that no server before had: a process remembers what each has been handed. */
  private static HttpServer onNewPort() {
    try {
      while (true) {
        HttpServer made =
            HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
        if (PORTS.add(made.getAddress().getPort())) {
          return made;
        }
        made.stop(0);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  String url() {
    return "http://localhost:" + server.getAddress().getPort() + "/v1";
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }

  private void handle(HttpExchange exchange) throws IOException {
    try (exchange) {
      String path = exchange.getRequestURI().getPath();
      byte[] body = exchange.getRequestBody().readAllBytes();
      keys.add(String.valueOf(exchange.getRequestHeaders().getFirst("Authorization")));
      if (path.equals("/v1/models")) {
        reply(
            exchange,
            new Reply(
                200,
                "{\"object\":\"list\",\"data\":[{\"id\":\"a-model\",\"owned_by\":\""
                    + owner
                    + "\",\"meta\":{\"n_vocab\":1000}},{\"id\":\"judge\"}]}",
                ""));
        return;
      }
      JsonNode request = JSON.readTree(body);
      if (path.matches("/v1/(chat/)?completions|/generate|/completion")) {
        most.accumulateAndGet(atWork.incrementAndGet(), Math::max);
        try {
          answer(exchange, path, request);
        } finally {
          atWork.decrementAndGet();
        }
      } else if (path.equals(owner.equals("sglang") ? "/v1/tokenize" : "/tokenize")) {
        reply(exchange, new Reply(200, change.apply(tokenized(request).toString()), ""));
      } else if (path.equals("/apply-template")) {
        StringBuilder text = new StringBuilder();
        for (JsonNode message : request.path("messages")) {
          text.append(message.path("role").asText()).append(message.path("content").asText());
          text.append('|');
        }
        text.append(request.path("add_generation_prompt").asBoolean() ? "assistant" : "");
        reply(exchange, new Reply(200, JSON.createObjectNode().put("prompt", text + "") + "", ""));
      } else if (path.matches("/(.*weight.*|reset_prefix_cache)")) {
        told.add(path + " " + request);
        Matcher name = ITERATE.matcher(request.toString());
        weights = name.find() ? Integer.parseInt(name.group(1)) : weights;
        reply(exchange, path.contains("cache") ? new Reply(200, "", "") : loaded);
      } else {
        reply(exchange, new Reply(404, "{\"detail\":\"Not Found\"}", ""));
      }
    }
  }

  private void answer(HttpExchange exchange, String path, JsonNode request) throws IOException {
    requests.incrementAndGet();
    bodies.add(request);
    int number = posts.incrementAndGet();
    if (slow > 0) {
      try {
        Thread.sleep(number % 7 == 0 ? 4 * slow : slow);
      } catch (InterruptedException e) {
        return;
      }
    }
    if (instead != Reply.NONE) {
      reply(exchange, instead);
      return;
    }
    if (fails && number % 10 == 3) {
      failures.incrementAndGet();
      reply(
          exchange,
          number % 20 == 3
              ? new Reply(429, "{\"error\":\"too many\"}", "Retry-After: 1")
              : new Reply(500, "<html>oops</html>", ""));
      return;
    }
    String text = change.apply(answer(path, request).toString());
    if (fails && number % 50 == 7) {
      failures.incrementAndGet();
      byte[] bytes = text.getBytes(StandardCharsets.UTF_8);
      // half of them with a length, half without
      exchange.sendResponseHeaders(200, number % 100 == 7 ? bytes.length : 0);
      exchange.getResponseBody().write(bytes, 0, bytes.length / 2);
      exchange.getResponseBody().flush();
      return;
    }
    reply(exchange, new Reply(200, text, ""));
    answered.merge(request.path("messages") + "/" + request.path("seed"), 1, Integer::sum);
  }

  private JsonNode answer(String path, JsonNode request) {
    return switch (path) {
      case "/v1/chat/completions" -> chat(request);
      case "/generate" -> tokens.sglang(request);
      case "/completion" -> tokens.llamaCpp(request);
      default -> request.has("return_token_ids") ? tokens.vllm(request) : scored(request);
    };
  }

  private double logProbability(int id) {
    return -id / 100.0 - (weights - 1) / 10.0;
  }

  private static void reply(HttpExchange exchange, Reply reply) throws IOException {
    if (!reply.header().isEmpty()) {
      String[] header = reply.header().split(": ");
      exchange.getResponseHeaders().set(header[0], header[1]);
    }
    byte[] bytes = reply.body().getBytes(StandardCharsets.UTF_8);
    exchange.sendResponseHeaders(reply.status(), bytes.length == 0 ? -1 : bytes.length);
    exchange.getResponseBody().write(bytes);
  }

  private static int hash(String text) {
    return text.hashCode();
  }

  private JsonNode chat(JsonNode request) {
    ObjectNode answer = chat(request, 0);
    for (int i = 1; i < request.path("n").asInt(1); i++) {
      ObjectNode one = chat(request, i);
      ((ArrayNode) answer.path("choices"))
          .add(((ObjectNode) one.path("choices").get(0)).put("index", i));
      ObjectNode usage = (ObjectNode) answer.path("usage");
      usage.put(
          "completion_tokens",
          usage.path("completion_tokens").asInt() + one.at("/usage/completion_tokens").asInt());
    }
    return answer;
  }

  private ObjectNode chat(JsonNode request, int index) {
    boolean mostLikely =
        request.path("temperature").asDouble() == 0
            || request.path("top_p").asDouble(1) < 0.01
            || request.path("top_k").asInt() == 1
            || request.path("min_p").asDouble() == 1;
    long seed = mostLikely ? 0 : request.path("seed").asLong() + index;
    Random random =
        new Random(
            hash(request.path("messages").toString()) * 31L
                + seed * 7919
                + request
                    .path("repetition_penalty")
                    .asInt(request.path("repeat_penalty").asInt(1)));
    int most = request.path("max_tokens").asInt(request.path("max_completion_tokens").asInt());
    List<Integer> tokens = new ArrayList<>();
    ArrayNode logProbabilities = JSON.createArrayNode();
    StringBuilder text = new StringBuilder();
    String reason = "length";
    String stopReason = null;
    random.nextInt(); // the first is nearly the same for seeds next to one another
    while (tokens.size() < most) {
      int token = random.nextInt(12 * 3) % WORDS.size();
      if (random.nextInt(3) > 0 && token == END || request.path("ignore_eos").asBoolean()) {
        token = 1 + random.nextInt(WORDS.size() - 1);
      }
      tokens.add(token);
      logProbabilities.addObject().put("logprob", -(1 + token) / 10.0);
      if (token == END) {
        reason = "stop";
        break;
      }
      text.append(text.length() == 0 ? "" : " ").append(WORDS.get(token));
      for (JsonNode stop : request.path("stop")) {
        int at = text.indexOf(stop.asText());
        if (at >= 0 && stopReason == null) {
          text.setLength(at);
          reason = "stop";
          stopReason = stop.asText();
        }
      }
      if (stopReason != null) {
        break;
      }
    }
    if (request.path("messages").toString().contains("Score: ")) {
      text.setLength(0);
      text.append("Good. Score: ").append(random.nextInt(6));
    }
    return answer(request, text.toString(), tokens, logProbabilities, reason, stopReason);
  }

  private static ObjectNode answer(
      JsonNode request,
      String text,
      List<Integer> tokens,
      ArrayNode logProbabilities,
      String reason,
      String stopReason) {
    ObjectNode answer = JSON.createObjectNode();
    answer.put("model", request.path("model").asText());
    ObjectNode choice = answer.putArray("choices").addObject();
    choice.putObject("message").put("role", "assistant").put("content", text);
    choice.put("finish_reason", reason).put("stop_reason", stopReason);
    if (request.path("logprobs").asBoolean()) {
      choice.putObject("logprobs").set("content", logProbabilities);
    }
    if (request.path("return_token_ids").asBoolean()) {
      choice.set("token_ids", JSON.valueToTree(tokens));
      answer.set("prompt_token_ids", JSON.valueToTree(ids(request.path("messages").toString())));
    }
    answer.putObject("usage").put("prompt_tokens", 10).put("completion_tokens", tokens.size());
    return answer;
  }

  private static List<Integer> ids(String text) {
    return text.chars().map(c -> 20 + c).boxed().toList();
  }

  /** A character a token; a turn is closed by 1 and 2, as by a token and the line's end. */
  private static JsonNode tokenized(JsonNode request) {
    List<Integer> tokens = new ArrayList<>();
    if (request.has("prompt") || request.has("content")) {
      tokens.addAll(ids(request.path("prompt").asText(request.path("content").asText())));
    }
    for (JsonNode message : request.path("messages")) {
      tokens.add(hash(message.path("role").asText()) & 0xf);
      tokens.addAll(ids(message.path("content").asText()));
      tokens.add(1);
      tokens.add(2);
    }
    if (request.path("add_generation_prompt").asBoolean(true) && request.has("messages")) {
      tokens.add(hash("assistant") & 0xf);
    }
    ObjectNode answer = JSON.createObjectNode();
    answer.set("tokens", JSON.valueToTree(tokens));
    return answer.put("count", tokens.size());
  }

  /** The log-probability of each token of each prompt but the first. */
  private JsonNode scored(JsonNode request) {
    ObjectNode answer = JSON.createObjectNode();
    answer.put("model", request.path("model").asText());
    ArrayNode choices = answer.putArray("choices");
    for (JsonNode prompt : request.path("prompt")) {
      ObjectNode choice = choices.addObject().put("index", choices.size() - 1);
      choice.put("text", "a").put("finish_reason", "length");
      ArrayNode all = choice.putArray("prompt_logprobs");
      for (JsonNode id : prompt) {
        if (all.isEmpty()) {
          all.addNull();
        } else {
          ObjectNode position = all.addObject();
          position.putObject("3").put("logprob", -0.01).put("rank", 1);
          position
              .putObject(id.asText())
              .put("logprob", logProbability(id.asInt()) - shift)
              .put("rank", 2);
        }
      }
    }
    return answer;
  }
}
