package org.autodidact.openai.http;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import io.github.resilience4j.core.IntervalFunction;
import io.github.resilience4j.ratelimiter.RateLimiter;
import io.github.resilience4j.ratelimiter.RateLimiterConfig;
import io.github.resilience4j.retry.Retry;
import io.github.resilience4j.retry.RetryConfig;
import java.io.IOException;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.time.Instant;
import java.util.Optional;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.TimeoutException;
import java.util.function.BooleanSupplier;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.CancelledException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Secret;
import org.autodidact.api.ServiceUnavailableException;
import org.autodidact.api.ShownText;

/**
 * A server that takes and gives JSON. What may pass, as a limit (429), a fault (5xx) or a cut or
 * slow connection, is sent again with exponential back-off and jitter, or when the server says.
 * Every message names the address and shows the beginning of the answer, never the key.
 * Thread-safe; an interrupt ends a call.
 */
public final class Server {
  private static final ObjectMapper JSON = new ObjectMapper();
  private static final Duration CONNECT = Duration.ofSeconds(30);
  private static final Duration FIRST_WAIT = Duration.ofMillis(500);
  private static final Duration LONGEST_WAIT = Duration.ofSeconds(60);
  private static final double JITTER = 0.5;

  /** Who is told to come back later than this is better resumed later. */
  private static final Duration LONGEST_RETRY_AFTER = Duration.ofMinutes(10);

  /** A wrong address is found out by what is asked first, and soon. */
  private static final int MOST_RETRIES_OF_GET = 2;

  private static final int SHOWN = 100;

  private final Address address;
  private final Optional<Secret> key;
  private final Limits limits;
  private final Budget budget;
  private final HttpClient client;
  private final Retry retry;
  private final Retry retryOfGet;
  private final Optional<RateLimiter> rate;

  /** Why a server that went away is not asked again, where it is not. */
  private volatile Optional<String> onceGone = Optional.empty();

  /**
   * @throws InvalidInputException for a key that no header can have
   */
  public Server(Address address, Optional<Secret> key, Limits limits, Budget budget) {
    if (!key.map(Secret::value).orElse("").chars().allMatch(c -> c > 0x20 && c < 0x7f)) {
      throw new InvalidInputException(
          "the option 'key' has a space, a line's end or a letter beyond ASCII in its value; set"
              + " the environment variable to the key alone");
    }
    this.address = address;
    this.key = key;
    this.limits = limits;
    this.budget = budget;
    this.client =
        HttpClient.newBuilder()
            .connectTimeout(CONNECT)
            // another server must not get the key
            .followRedirects(HttpClient.Redirect.NEVER)
            // without TLS the JDK asks to upgrade to HTTP/2, which Python's servers warn about
            .version(
                address.uri().getScheme().equalsIgnoreCase("https")
                    ? HttpClient.Version.HTTP_2
                    : HttpClient.Version.HTTP_1_1)
            .build();
    this.retry = retry(limits.retries());
    this.retryOfGet = retry(Math.min(limits.retries(), MOST_RETRIES_OF_GET));
    this.rate = limits.requestsPerMinute().map(Server::rate);
  }

  private static Retry retry(int retries) {
    IntervalFunction backOff =
        IntervalFunction.ofExponentialRandomBackoff(FIRST_WAIT, 2, JITTER, LONGEST_WAIT);
    RetryConfig config =
        RetryConfig.<JsonNode>custom()
            .maxAttempts(retries + 1)
            .retryOnException(e -> e instanceof TransientFailure)
            .intervalBiFunction(
                (attempt, outcome) -> {
                  long asked =
                      outcome.isLeft() && outcome.getLeft() instanceof TransientFailure failure
                          ? failure.retryAfter().map(Duration::toMillis).orElse(0L)
                          : 0L;
                  return Math.max(asked, backOff.apply(attempt));
                })
            .build();
    return Retry.of("autodidact-openai", config);
  }

  private static RateLimiter rate(int perMinute) {
    return RateLimiter.of(
        "autodidact-openai",
        RateLimiterConfig.custom()
            .limitForPeriod(1)
            .limitRefreshPeriod(Duration.ofMinutes(1).dividedBy(perMinute))
            .timeoutDuration(Duration.ofDays(365))
            .build());
  }

  /**
   * From now on, a server that takes no connection is not asked again: it may have been started
   * anew, without what it was told.
   *
   * @param why what it may have lost, and what to do, the end of the message
   */
  public void endWhenGone(String why) {
    onceGone = Optional.of(why);
  }

  public Address address() {
    return address;
  }

  public Budget budget() {
    return budget;
  }

  /** What is at a path; empty where the server has no such path. Not part of the budget. */
  public Optional<JsonNode> get(String path) {
    HttpRequest request = request(address.at(path)).GET().build();
    try {
      return Optional.of(object(request.uri(), again(retryOfGet, request, false, () -> false)));
    } catch (MissingPathException e) {
      return Optional.empty();
    }
  }

  /**
   * Posts to a path below the address.
   *
   * @param isEnding once true, what fails is not sent again
   * @throws ServiceUnavailableException where the server cannot be reached, or refuses for now
   * @throws InvalidInputException where it refuses the request, or what it answers is no JSON
   */
  public JsonNode post(String path, JsonNode body, BooleanSupplier isEnding) {
    URI uri = address.at(path);
    return object(uri, again(retry, posting(uri, body), true, isEnding));
  }

  /** Posts to a path of the server itself, beside {@code /v1}, which may answer an array. */
  public JsonNode postAtRoot(String path, JsonNode body, BooleanSupplier isEnding) {
    return again(retry, posting(address.atRoot(path), body), true, isEnding);
  }

  /**
   * Posts to a path of the server itself what asks for no answer of the model: it may answer
   * nothing, and is not part of the budget.
   */
  public JsonNode tell(String path, JsonNode body, BooleanSupplier isEnding) {
    URI uri = address.atRoot(path);
    return object(uri, again(retry, posting(uri, body), false, isEnding));
  }

  private JsonNode object(URI uri, JsonNode answer) {
    if (!answer.isObject()) {
      throw noObject(uri, answer.toString());
    }
    return answer;
  }

  private HttpRequest.Builder request(URI uri) {
    HttpRequest.Builder builder = HttpRequest.newBuilder(uri).header("Accept", "application/json");
    key.ifPresent(secret -> builder.header("Authorization", "Bearer " + secret.value()));
    return builder;
  }

  private HttpRequest posting(URI uri, JsonNode body) {
    return request(uri)
        .header("Content-Type", "application/json")
        .POST(HttpRequest.BodyPublishers.ofString(body.toString()))
        .build();
  }

  private JsonNode again(
      Retry retrying, HttpRequest request, boolean isBudgeted, BooleanSupplier isEnding) {
    try {
      return retrying.executeCallable(
          () -> {
            try {
              return once(request, isBudgeted);
            } catch (TransientFailure e) {
              if (isEnding.getAsBoolean()) {
                throw unavailable(e, "");
              }
              throw e;
            }
          });
    } catch (TransientFailure e) {
      if (Thread.interrupted()) {
        throw interrupted(e);
      }
      int attempts = retrying.getRetryConfig().getMaxAttempts();
      throw unavailable(e, attempts == 1 ? "" : ", " + attempts + " times");
    } catch (AutodidactException e) {
      throw e;
    } catch (InterruptedException e) {
      throw interrupted(e);
    } catch (Exception e) {
      if (Thread.currentThread().isInterrupted()) {
        throw interrupted(e);
      }
      throw new IllegalStateException(redacted(String.valueOf(e.getMessage())), e);
    }
  }

  private static CancelledException interrupted(Exception e) {
    Thread.currentThread().interrupt();
    return new CancelledException("the thread was interrupted", e);
  }

  private static ServiceUnavailableException unavailable(TransientFailure e, String often) {
    return new ServiceUnavailableException(
        e.getMessage() + often + "; what was answered is kept, and resuming goes on", e);
  }

  private JsonNode once(HttpRequest request, boolean isBudgeted)
      throws TransientFailure, InterruptedException {
    if (rate.isPresent() && !rate.get().acquirePermission()) {
      throw new InterruptedException();
    }
    if (isBudgeted) {
      budget.takeRequest();
    }
    CompletableFuture<HttpResponse<byte[]>> sent =
        client.sendAsync(request, head -> new LimitedBody());
    try {
      HttpResponse<byte[]> response = sent.get(limits.timeout().toMillis(), TimeUnit.MILLISECONDS);
      return !isBudgeted && response.statusCode() == 200 && response.body().length == 0
          ? JSON.createObjectNode()
          : answer(request, response);
    } catch (TimeoutException e) {
      throw new TransientFailure(
          request.uri()
              + " did not answer within "
              + limits.timeout().toSeconds()
              + " seconds (option 'timeout')",
          Optional.empty());
    } catch (ExecutionException e) {
      Throwable cause = e.getCause();
      if (!(cause instanceof IOException)) {
        throw new IllegalStateException(redacted(String.valueOf(cause)), cause);
      }
      if (cause instanceof ConnectException && onceGone.isPresent()) {
        throw new ServiceUnavailableException(
            request.uri() + " cannot be reached: " + onceGone.get());
      }
      String what = cause.getMessage() == null ? "" : ": " + redacted(cause.getMessage());
      throw new TransientFailure(
          request.uri() + " cannot be reached or ended early (" + name(cause) + what + ")",
          Optional.empty());
    } finally {
      sent.cancel(true); // closes the connection of what did not end
    }
  }

  private static String name(Throwable failure) {
    return failure.getClass().getSimpleName();
  }

  private JsonNode answer(HttpRequest request, HttpResponse<byte[]> response)
      throws TransientFailure {
    int status = response.statusCode();
    String body = new String(response.body(), StandardCharsets.UTF_8);
    if (status == 200) {
      return json(request, body);
    }
    String said = request.uri() + " answered " + status + shown(body);
    if (status == 408 || status == 425 || status == 429 || status >= 500) {
      Optional<Duration> wait =
          response
              .headers()
              .firstValue("Retry-After")
              .flatMap(h -> RetryAfter.parse(h, Instant.now()));
      if (status == 429 && body.contains("insufficient_quota")
          || wait.filter(w -> w.compareTo(LONGEST_RETRY_AFTER) > 0).isPresent()) {
        throw new ServiceUnavailableException(
            said
                + wait.map(w -> ", to be asked again in " + w.toSeconds() + " s").orElse("")
                + "; what was answered is kept, and resuming goes on");
      }
      throw new TransientFailure(said, wait);
    }
    if (status == 401 || status == 403) {
      throw new InvalidInputException(
          said
              + (key.isPresent()
                  ? ": it refuses the key that the option 'key' names"
                  : ": it wants a key; set an environment variable and name it by the option 'key'"));
    }
    if (status == 404 || status == 405) {
      throw new MissingPathException(
          said + ": is 'url' right, with its version, as http://localhost:8000/v1?");
    }
    throw new InvalidInputException(said);
  }

  private JsonNode json(HttpRequest request, String body) throws TransientFailure {
    String begin = body.stripLeading();
    if (!begin.startsWith("{") && !begin.startsWith("[")) {
      throw noObject(request.uri(), body);
    }
    try {
      return JSON.readTree(body);
    } catch (JsonProcessingException e) {
      // a connection without a length that was cut ends like one that was not
      throw new TransientFailure(
          request.uri() + " ended within its answer" + shown(body), Optional.empty());
    }
  }

  private InvalidInputException noObject(URI uri, String body) {
    return new InvalidInputException(
        uri
            + " answered "
            + (body.stripLeading().startsWith("<") ? "a page" : "something")
            + " that is no JSON object"
            + shown(body)
            + ": is 'url' right, with its version, as http://localhost:8000/v1?");
  }

  private String shown(String body) {
    return body.isBlank() ? "" : ", '" + ShownText.of(redacted(body.strip()), SHOWN) + "'";
  }

  /** A text of a server's, which may repeat what it was sent. */
  private String redacted(String text) {
    return key.map(secret -> text.replace(secret.value(), "***")).orElse(text);
  }

  /** The server has no such path. */
  static final class MissingPathException extends InvalidInputException {
    private static final long serialVersionUID = 1L;

    MissingPathException(String message) {
      super(message);
    }
  }
}
