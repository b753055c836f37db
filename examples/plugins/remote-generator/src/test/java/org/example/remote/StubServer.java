package org.example.remote;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.time.Duration;
import java.util.Random;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.atomic.AtomicInteger;

/** A server that answers by random words, and counts what it is asked. */
final class StubServer implements AutoCloseable {
  private static final ObjectMapper JSON = new ObjectMapper();
  final AtomicInteger requests = new AtomicInteger();
  volatile int status = 200;
  volatile Duration delay = Duration.ZERO;
  volatile String authorization = "";
  private final HttpServer server;
  private final ExecutorService threads = Executors.newCachedThreadPool();

  StubServer() {
    try {
      server = HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    server.createContext("/v1/chat/completions", this::answer);
    server.setExecutor(threads);
    server.start();
  }

  String url() {
    return "http://127.0.0.1:" + server.getAddress().getPort() + "/v1";
  }

  private void answer(HttpExchange exchange) throws IOException {
    requests.incrementAndGet();
    authorization = String.valueOf(exchange.getRequestHeaders().getFirst("Authorization"));
    JsonNode request = JSON.readTree(exchange.getRequestBody());
    try {
      Thread.sleep(delay.toMillis());
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    byte[] body = JSON.writeValueAsBytes(status == 200 ? completion(request) : "not now");
    exchange.sendResponseHeaders(status, body.length);
    exchange.getResponseBody().write(body);
    exchange.close();
  }

  private static ObjectNode completion(JsonNode request) {
    boolean greedy =
        request.get("temperature").asDouble() == 0 || request.get("top_p").asDouble() < 0.01;
    Random random = new Random(request.get("messages").toString().hashCode());
    if (!greedy) {
      random = new Random();
    }
    StringBuilder text = new StringBuilder();
    String reason = "length";
    int count = 0;
    for (; count < request.get("max_tokens").asInt(); count++) {
      String word = (count == 0 ? "" : " ") + (char) ('a' + random.nextInt(26));
      String stop = request.path("stop").path(0).asText("");
      if (!stop.isEmpty() && word.contains(stop)) {
        text.append(word, 0, word.indexOf(stop));
        reason = "stop";
        break;
      }
      text.append(word);
    }
    ObjectNode answer = JSON.createObjectNode();
    ObjectNode choice = answer.withArray("choices").addObject().put("finish_reason", reason);
    choice.putObject("message").put("role", "assistant").put("content", text.toString());
    answer.putObject("usage").put("completion_tokens", count);
    return answer;
  }

  @Override
  public void close() {
    server.stop(0);
    threads.shutdownNow();
  }
}
