package org.autodidact.hub;

import com.fasterxml.jackson.databind.JsonNode;
import java.io.IOException;
import java.io.InputStream;
import java.net.ConnectException;
import java.net.URI;
import java.net.http.HttpClient;
import java.net.http.HttpHeaders;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Duration;
import java.time.Instant;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.time.format.DateTimeParseException;
import java.util.Optional;
import java.util.OptionalLong;
import java.util.concurrent.ThreadLocalRandom;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.checkpoints.json.JsonFiles;

/**
 * Requests to the hub. Transient failures (429, 5xx, a connection that is cut or slow) are tried
 * again with growing pauses; the token goes to the endpoint alone, not to where it redirects.
 */
final class HubClient {
  private static final int ATTEMPTS = 6;
  private static final int MOST_REDIRECTS = 5;
  private static final long MOST_JSON = 32L << 20;
  private static final Duration LONGEST_PAUSE = Duration.ofMinutes(5);
  private static final int BUFFER_BYTES = 1 << 16;

  private final HubSettings settings;
  private final Cancellation cancellation;
  private final Duration pause;
  private final Duration timeout;
  private final HttpClient http;

  /** Whether any request was answered: before that, a failure to connect does not pass. */
  private boolean reached;

  /**
   * @param pause before the second attempt; doubled for each that follows, up to half more by
   *     chance
   * @param timeout of connecting, and of waiting for a response
   */
  HubClient(HubSettings settings, Cancellation cancellation, Duration pause, Duration timeout) {
    this.settings = settings;
    this.cancellation = cancellation;
    this.pause = pause;
    this.timeout = timeout;
    this.http =
        HttpClient.newBuilder()
            .followRedirects(HttpClient.Redirect.NEVER)
            .connectTimeout(timeout)
            .build();
  }

  /**
   * What the hub says of a file.
   *
   * @param etag without quotes: SHA-256 of a large file, Git's SHA-1 of a small one
   * @param size bytes, where the hub says so
   */
  record FileInfo(String etag, OptionalLong size) {}

  private interface Attempt<T> {
    T run() throws IOException, InterruptedException;
  }

  /** A failure that another attempt may not have. */
  private static final class TransientFailure extends IOException {
    private static final long serialVersionUID = 1;
    private final transient Optional<Duration> retryAfter;

    TransientFailure(String message, Optional<Duration> retryAfter) {
      super(message);
      this.retryAfter = retryAfter;
    }
  }

  private <T> T retried(String what, Attempt<T> attempt) {
    for (int i = 1; ; i++) {
      cancellation.throwIfCancelled();
      try {
        return attempt.run();
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        throw new CancelledException();
      } catch (IOException e) {
        if (!reached && e instanceof ConnectException) {
          throw new StorageException(
              what
                  + ": there is no connection to the hub: "
                  + e
                  + ". Name another by HF_ENDPOINT, or set HF_HUB_OFFLINE=1 to use what is in the"
                  + " cache",
              e);
        }
        if (i == ATTEMPTS) {
          throw new StorageException(
              what
                  + ": failed "
                  + ATTEMPTS
                  + " times, the last time: "
                  + e.getMessage()
                  + "; what was downloaded is kept, run the command again to go on",
              e);
        }
        Duration wait =
            e instanceof TransientFailure transientFailure
                    && transientFailure.retryAfter.isPresent()
                ? transientFailure.retryAfter.get()
                : pause
                    .multipliedBy(1L << (i - 1))
                    .plusMillis(ThreadLocalRandom.current().nextLong(1 + pause.toMillis() * i / 2));
        sleep(wait);
      }
    }
  }

  private void sleep(Duration wait) {
    if (cancellation.await(wait.compareTo(LONGEST_PAUSE) > 0 ? LONGEST_PAUSE : wait)) {
      throw new CancelledException();
    }
  }

  /** A JSON answer of the hub's API. */
  JsonNode json(HubModel model, String path) {
    URI uri = settings.endpoint().resolve(path);
    return retried(
        uri.toString(),
        () -> {
          HttpResponse<InputStream> response = send(model, request(uri, "GET"));
          try (InputStream in = response.body()) {
            byte[] bytes = in.readNBytes((int) MOST_JSON + 1);
            if (bytes.length > MOST_JSON) {
              throw new InvalidInputException(uri + ": answered with more than 32 MiB");
            }
            return JsonFiles.object(bytes, uri.toString());
          }
        });
  }

  /** Size and ETag of a file, without its content. */
  FileInfo info(HubModel model, URI file) {
    return retried(
        file.toString(),
        () -> {
          HttpResponse<InputStream> response = send(model, request(file, "HEAD"));
          response.body().close();
          HttpHeaders headers = response.headers();
          String etag =
              headers.firstValue("X-Linked-Etag").or(() -> headers.firstValue("ETag")).orElse("");
          OptionalLong size = headers.firstValueAsLong("X-Linked-Size");
          return new FileInfo(
              etag.replaceFirst("^W/", "").replace("\"", ""),
              size.isPresent() || response.statusCode() >= 300
                  ? size
                  : headers.firstValueAsLong("Content-Length"));
        });
  }

  /**
   * Downloads what is missing of a file to the end of {@code part}.
   *
   * @param size of the whole file, where it is known
   */
  void download(HubModel model, URI file, Path part, OptionalLong size) {
    retried(
        file.toString(),
        () -> {
          long have = Files.exists(part) ? Files.size(part) : 0;
          if (size.isPresent() && have >= size.getAsLong()) {
            return have;
          }
          HttpRequest.Builder request = request(file, "GET");
          if (have > 0) {
            request.header("Range", "bytes=" + have + "-");
          }
          HttpResponse<InputStream> response = followed(model, request, file, have);
          if (response.statusCode() == 416) {
            response.body().close();
            Files.delete(part);
            throw new TransientFailure(
                "the hub has fewer bytes than were kept of an earlier download", Optional.empty());
          }
          boolean whole = response.statusCode() == 200;
          copy(response, part, whole);
          long now = Files.size(part);
          if (size.isPresent() && now < size.getAsLong()) {
            throw new TransientFailure(
                "the connection ended after " + now + " of " + size.getAsLong() + " bytes",
                Optional.of(now > have && !whole ? Duration.ZERO : pause));
          }
          return now;
        });
  }

  private void copy(HttpResponse<InputStream> response, Path part, boolean whole)
      throws IOException {
    StandardOpenOption how =
        whole ? StandardOpenOption.TRUNCATE_EXISTING : StandardOpenOption.APPEND;
    try (InputStream in = response.body();
        var out =
            Files.newOutputStream(part, StandardOpenOption.CREATE, StandardOpenOption.WRITE, how)) {
      byte[] buffer = new byte[BUFFER_BYTES];
      for (int read = in.read(buffer); read >= 0; read = in.read(buffer)) {
        cancellation.throwIfCancelled();
        out.write(buffer, 0, read);
      }
    }
  }

  /** Follows redirects; only the endpoint itself is told the token. */
  private HttpResponse<InputStream> followed(
      HubModel model, HttpRequest.Builder first, URI file, long have)
      throws IOException, InterruptedException {
    HttpResponse<InputStream> response = send(model, first);
    URI at = file;
    for (int i = 0; response.statusCode() >= 300 && response.statusCode() < 400; i++) {
      response.body().close();
      URI next = at.resolve(response.headers().firstValue("Location").orElse(""));
      boolean insecure = "https".equals(at.getScheme()) && !"https".equals(next.getScheme());
      if (i == MOST_REDIRECTS || insecure) {
        throw new StorageException(
            file + ": is redirected " + (insecure ? "to an insecure address" : "without end"));
      }
      at = next;
      HttpRequest.Builder request = request(next, "GET");
      if (have > 0) {
        request.header("Range", "bytes=" + have + "-");
      }
      response = send(model, request);
    }
    return response;
  }

  private HttpRequest.Builder request(URI uri, String method) {
    HttpRequest.Builder request =
        HttpRequest.newBuilder(uri)
            .timeout(timeout)
            .header("User-Agent", "autodidact")
            // Sizes and ranges are those of the file itself.
            .header("Accept-Encoding", "identity")
            .method(method, HttpRequest.BodyPublishers.noBody());
    boolean toEndpoint = sameServer(uri, settings.endpoint());
    settings
        .token()
        .filter(token -> toEndpoint)
        .ifPresent(token -> request.header("Authorization", "Bearer " + token));
    return request;
  }

  private static boolean sameServer(URI one, URI other) {
    return one.getScheme().equals(other.getScheme())
        && one.getHost().equalsIgnoreCase(other.getHost())
        && one.getPort() == other.getPort();
  }

  private HttpResponse<InputStream> send(HubModel model, HttpRequest.Builder request)
      throws IOException, InterruptedException {
    HttpResponse<InputStream> response =
        http.send(request.build(), HttpResponse.BodyHandlers.ofInputStream());
    reached = true;
    int status = response.statusCode();
    if (status < 400 || status == 416) {
      return response;
    }
    response.body().close();
    String where = response.request().uri() + ": the hub answered " + status;
    if (status == 429 || status >= 500) {
      throw new TransientFailure(where, retryAfter(response.headers()));
    }
    if (status == 401 || status == 403) {
      throw new InvalidInputException(
          where
              + " to a request "
              + (settings.token().isPresent() ? "with the token that is set" : "without a token")
              + ". The model "
              + model.repository()
              + " does not exist, is private, or its licence must be accepted on its page; set"
              + " HF_TOKEN to a token that may read it");
    }
    if (status == 404) {
      throw new InvalidInputException(
          where + ": there is no such model, revision or file as " + model);
    }
    throw new InvalidInputException(where);
  }

  /** Seconds, or a date. */
  private static Optional<Duration> retryAfter(HttpHeaders headers) {
    return headers
        .firstValue("Retry-After")
        .flatMap(
            text -> {
              try {
                return Optional.of(
                    text.matches("\\d{1,6}")
                        ? Duration.ofSeconds(Long.parseLong(text))
                        : Duration.between(
                            Instant.now(),
                            ZonedDateTime.parse(text, DateTimeFormatter.RFC_1123_DATE_TIME)));
              } catch (DateTimeParseException e) {
                return Optional.empty();
              }
            })
        .filter(wait -> !wait.isNegative());
  }
}
