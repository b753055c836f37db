package org.example.remote;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.IOException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import java.util.concurrent.CancellationException;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.function.Consumer;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Secret;
import org.autodidact.api.ServiceUnavailableException;
import org.autodidact.api.Setting;
import org.autodidact.api.ShownText;

/** Asks for one candidate a request, so many at a time as the server is to have. */
final class RemoteGenerator implements Generator {
  private static final ObjectMapper JSON = new ObjectMapper();

  public record Options(
      @Setting("the server's address, as http://127.0.0.1:8000/v1") String url,
      @Setting("the key that the server asks for") Optional<Secret> apiKey,
      @Setting(value = "requests at a time", range = "[1, 1000]", byDefault = "8") int parallel,
      @Setting(value = "seconds for an answer", range = "[1, 86400]", byDefault = "300")
          int timeout) {}

  private final HttpClient client = HttpClient.newHttpClient();
  private final ExecutorService threads;
  private final String model;
  private final Options options;

  RemoteGenerator(String model, Options options) {
    this.model = model;
    this.options = options;
    this.threads = Executors.newFixedThreadPool(options.parallel());
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    List<List<Future<Candidate>>> asked = new ArrayList<>();
    for (GenerationRequest request : requests) {
      asked.add(
          request.seeds().stream().map(s -> threads.submit(() -> candidate(request, s))).toList());
    }
    Runnable stop = () -> asked.forEach(all -> all.forEach(future -> future.cancel(true)));
    // An interrupt of the thread that waits closes its connection.
    try (Cancellation.Registration registered = cancellation.onCancel(stop)) {
      for (int i = 0; i < requests.size(); i++) {
        List<Candidate> candidates = asked.get(i).stream().map(this::result).toList();
        results.accept(new Generation(requests.get(i).prompt().id(), List.of(), candidates));
      }
      cancellation.throwIfCancelled();
    } finally {
      stop.run();
    }
  }

  private Candidate result(Future<Candidate> future) {
    try {
      return future.get();
    } catch (CancellationException e) {
      throw new CancelledException("cancelled while the server was asked", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new CancelledException("the thread was interrupted", e);
    } catch (ExecutionException e) {
      throw e.getCause() instanceof AutodidactException known
          ? known
          : new ServiceUnavailableException(options.url() + ": " + e.getCause(), e.getCause());
    }
  }

  private Candidate candidate(GenerationRequest request, long seed)
      throws IOException, InterruptedException {
    HttpRequest.Builder post =
        HttpRequest.newBuilder(URI.create(options.url() + "/chat/completions"))
            .timeout(Duration.ofSeconds(options.timeout()))
            .header("Content-Type", "application/json")
            .POST(HttpRequest.BodyPublishers.ofString(body(request, seed)));
    options.apiKey().ifPresent(key -> post.header("Authorization", "Bearer " + key.value()));
    HttpResponse<String> response = client.send(post.build(), HttpResponse.BodyHandlers.ofString());
    int status = response.statusCode();
    if (status != 200) {
      String found =
          options.url() + " answered " + status + ": " + ShownText.of(response.body(), 120);
      throw status == 429 || status >= 500
          ? new ServiceUnavailableException(found)
          : new InvalidInputException("prompt '" + request.prompt().id() + "': " + found);
    }
    JsonNode answer = JSON.readTree(response.body());
    JsonNode choice = answer.path("choices").path(0);
    JsonNode count = answer.path("usage").path("completion_tokens");
    return new Candidate(
        seed,
        choice.path("message").path("content").asText(""),
        List.of(),
        count.isInt() ? OptionalInt.of(count.intValue()) : OptionalInt.empty(),
        OptionalDouble.empty(),
        reason(choice, !request.sampling().stop().isEmpty()));
  }

  private String body(GenerationRequest request, long seed) throws IOException {
    SamplingParameters sampling = request.sampling();
    return JSON.writeValueAsString(
        Map.of(
            "model", model,
            "messages", request.prompt().messages(),
            "max_tokens", sampling.maxTokens(),
            "temperature", sampling.temperature(),
            "top_p", sampling.topP(),
            "stop", sampling.stop(),
            "seed", seed & Integer.MAX_VALUE)); // servers take 31 bits
  }

  /** {@code stop} is the end of the text or a stop text; vLLM says which, others do not. */
  private static FinishReason reason(JsonNode choice, boolean stops) {
    boolean stopText = choice.path("stop_reason").isTextual() || !choice.has("stop_reason");
    return switch (choice.path("finish_reason").asText()) {
      case "length" -> FinishReason.MAX_TOKENS;
      case "content_filter" -> FinishReason.FILTERED;
      default -> stops && stopText ? FinishReason.STOP_TEXT : FinishReason.END_OF_TEXT;
    };
  }

  @Override
  public void close() {
    threads.shutdownNow();
  }
}
