package org.autodidact.hub;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import com.sun.net.httpserver.HttpExchange;
import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetAddress;
import java.net.InetSocketAddress;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.time.Duration;
import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.Deque;
import java.util.HexFormat;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.stream.Collectors;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.api.UnsupportedModelException;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** The hub against a server on this machine that has every fault of a network. */
class HubTest {
  private static final String COMMIT = "0123456789012345678901234567890123456789";

  @TempDir Path folder;

  private HttpServer hub;
  private HttpServer storage;
  private final Map<String, byte[]> files = new TreeMap<>();
  private final List<String> asked = Collections.synchronizedList(new ArrayList<>());

  /** Statuses that the hub answers to the next requests. */
  private final Deque<Integer> faults = new ArrayDeque<>();

  /** Downloads that the storage cuts off at half of what it was to send. */
  private int cuts;

  private long sizeToAdd;
  private boolean wrongHash;

  @BeforeEach
  void start() throws IOException {
    hub = server(this::answer);
    storage = server(this::send);
    files.put("config.json", "{}".getBytes(UTF_8));
    files.put("tokenizer.json", "{\"version\":\"1.0\"}".getBytes(UTF_8));
    byte[] weights = new byte[100_000];
    Arrays.setAll(new Integer[weights.length], i -> (int) (weights[i] = (byte) (i * 31)));
    files.put("model.safetensors", weights);
    files.put("README.md", "not fetched".getBytes(UTF_8));
  }

  private static HttpServer server(com.sun.net.httpserver.HttpHandler handler) throws IOException {
    HttpServer server =
        HttpServer.create(new InetSocketAddress(InetAddress.getLoopbackAddress(), 0), 0);
    server.createContext("/", handler);
    server.start();
    return server;
  }

  @AfterEach
  void stop() {
    hub.stop(0);
    storage.stop(0);
  }

  private static String address(HttpServer server) {
    return "http://127.0.0.1:" + server.getAddress().getPort();
  }

  private void answer(HttpExchange exchange) throws IOException {
    String path = exchange.getRequestURI().getPath();
    String range = exchange.getRequestHeaders().getFirst("Range");
    asked.add(exchange.getRequestMethod() + " " + path + (range == null ? "" : " " + range));
    Integer fault = exchange.getRequestMethod().equals("GET") ? faults.poll() : null;
    if (fault != null) {
      exchange.getResponseHeaders().add("Retry-After", "0");
      exchange.sendResponseHeaders(fault, -1);
      exchange.close();
      return;
    }
    if (path.startsWith("/api/")) {
      String list =
          files.keySet().stream()
              .map(name -> "{\"rfilename\":\"" + name + "\"}")
              .collect(Collectors.joining(","));
      byte[] json = ("{\"sha\":\"" + COMMIT + "\",\"siblings\":[" + list + "]}").getBytes(UTF_8);
      exchange.sendResponseHeaders(200, json.length);
      exchange.getResponseBody().write(json);
      exchange.close();
      return;
    }
    String name = path.substring(path.indexOf(COMMIT) + COMMIT.length() + 1);
    byte[] content = files.get(name);
    boolean large = name.endsWith(".safetensors") || name.endsWith(".gguf");
    exchange
        .getResponseHeaders()
        .add(large ? "X-Linked-Etag" : "ETag", "\"" + hash(content, large) + "\"");
    exchange.getResponseHeaders().add("X-Linked-Size", Long.toString(content.length + sizeToAdd));
    if (large) {
      exchange.getResponseHeaders().add("Location", address(storage) + "/" + name);
      exchange.sendResponseHeaders(302, -1);
      exchange.close();
    } else if (exchange.getRequestMethod().equals("HEAD")) {
      exchange.sendResponseHeaders(200, -1);
      exchange.close();
    } else {
      write(exchange, content, false);
    }
  }

  /** Where the hub redirects to: another server, which must not see the token. */
  private void send(HttpExchange exchange) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    asked.add(
        "STORAGE "
            + exchange.getRequestURI().getPath()
            + (range == null ? "" : " " + range)
            + (exchange.getRequestHeaders().containsKey("Authorization") ? " TOKEN" : ""));
    write(exchange, files.get(exchange.getRequestURI().getPath().substring(1)), cuts-- > 0);
  }

  private static void write(HttpExchange exchange, byte[] content, boolean cut) throws IOException {
    String range = exchange.getRequestHeaders().getFirst("Range");
    int from = range == null ? 0 : Integer.parseInt(range.replaceAll("\\D", ""));
    if (from >= content.length) {
      exchange.sendResponseHeaders(416, -1);
      exchange.close();
      return;
    }
    int length = content.length - from;
    exchange.sendResponseHeaders(range == null ? 200 : 206, length);
    exchange.getResponseBody().write(content, from, cut ? length / 2 : length);
    exchange.close();
  }

  private String hash(byte[] content, boolean large) {
    try {
      MessageDigest digest = MessageDigest.getInstance(large ? "SHA-256" : "SHA-1");
      if (!large) {
        digest.update(("blob " + content.length + "\0").getBytes(UTF_8));
      }
      digest.update(content);
      String hash = HexFormat.of().formatHex(digest.digest());
      return wrongHash ? hash.replace('a', 'b') : hash;
    } catch (java.security.NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private Hub client(boolean offline) {
    HubSettings settings =
        new HubSettings(
            URI.create(address(hub)), folder.resolve("hub"), Optional.of("secret"), offline);
    return new Hub(settings, line -> {}, Duration.ofMillis(1), Duration.ofSeconds(20));
  }

  private Path pull(String name) {
    return client(false).pull(HubModel.of(name).orElseThrow(), new Cancellation());
  }

  @Test
  void aModelLiesInTheCacheAsPythonsToolsLayItOut() throws IOException {
    Path model = pull("org/small");
    Path root = folder.resolve("hub/models--org--small");
    assertThat(model).isEqualTo(root.resolve("snapshots").resolve(COMMIT));
    assertThat(root.resolve("refs/main")).hasContent(COMMIT);
    assertThat(model.resolve("model.safetensors")).hasBinaryContent(files.get("model.safetensors"));
    assertThat(Files.readSymbolicLink(model.resolve("config.json")))
        .isEqualTo(Path.of("../../blobs", hash(files.get("config.json"), false)));
    assertThat(model.resolve("README.md")).doesNotExist();
    assertThat(asked).noneMatch(line -> line.endsWith("TOKEN"));
    asked.clear();
    assertThat(pull("org/small")).isEqualTo(model);
    assertThat(asked).hasSize(1);
    assertThat(client(true).pull(HubModel.of("org/small").orElseThrow(), new Cancellation()))
        .isEqualTo(model);
    assertThat(
            client(true).pull(HubModel.of("org/small@" + COMMIT).orElseThrow(), new Cancellation()))
        .isEqualTo(model);
    assertThat(asked).hasSize(1);
  }

  @Test
  void aCutDownloadIsContinued() throws IOException {
    faults.addAll(List.of(503, 429));
    cuts = 2;
    Path weights = pull("org/cut").resolve("model.safetensors");
    assertThat(weights).hasBinaryContent(files.get("model.safetensors"));
    // A cut connection may swallow the end of what was sent: it goes on from what arrived.
    List<Integer> from =
        asked.stream()
            .filter(line -> line.startsWith("STORAGE /model.safetensors bytes="))
            .map(line -> Integer.valueOf(line.replaceAll(".*=|-", "")))
            .toList();
    assertThat(from).hasSize(2);
    assertThat(from.get(0)).isBetween(1, 50_000);
    assertThat(from.get(1)).isBetween(from.get(0), 75_000);
  }

  @Test
  void aKilledDownloadIsContinued() throws IOException {
    byte[] all = files.get("model.safetensors");
    Path blobs = Files.createDirectories(folder.resolve("hub/models--org--killed/blobs"));
    Files.write(blobs.resolve(hash(all, true) + ".incomplete"), Arrays.copyOf(all, 99_990));
    assertThat(pull("org/killed").resolve("model.safetensors")).hasBinaryContent(all);
    assertThat(asked).contains("STORAGE /model.safetensors bytes=99990-");
  }

  @Test
  void aCancelledDownloadEnds() {
    Cancellation cancellation = new Cancellation();
    cancellation.cancel();
    assertThatThrownBy(
            () -> client(false).pull(HubModel.of("org/small").orElseThrow(), cancellation))
        .isInstanceOf(CancelledException.class);
  }

  @Test
  void whatIsNotWhatItsHashSaysIsDeleted() {
    wrongHash = true;
    assertThatThrownBy(() -> pull("org/small"))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("expected 2 bytes with the hash")
        .hasMessageContaining("run the command again");
    assertThat(folder.resolve("hub/models--org--small/blobs")).isEmptyDirectory();
  }

  @ParameterizedTest
  @ValueSource(longs = {-1, 1000})
  void aWrongSizeIsFoundOut(long off) {
    sizeToAdd = off;
    assertThatThrownBy(() -> pull("org/small")).isInstanceOf(StorageException.class);
    assertThat(folder.resolve("hub/models--org--small/snapshots")).doesNotExist();
  }

  @Test
  void refusalsSayWhatToDo() {
    faults.add(401);
    assertThatThrownBy(() -> pull("org/private"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("set HF_TOKEN")
        .hasMessageContaining("org/private")
        .hasMessageNotContaining("secret");
    faults.add(404);
    assertThatThrownBy(() -> pull("org/nowhere@v2"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("no such model, revision or file as org/nowhere@v2");
    faults.addAll(Collections.nCopies(6, 503));
    assertThatThrownBy(() -> pull("org/down"))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("failed 6 times")
        .hasMessageContaining("503");
    assertThatThrownBy(
            () -> client(true).pull(HubModel.of("org/new").orElseThrow(), new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("HF_HUB_OFFLINE");
    hub.stop(0);
    assertThatThrownBy(() -> pull("org/small"))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("no connection to the hub")
        .hasMessageContaining("HF_HUB_OFFLINE=1");
  }

  @Test
  void onlySafetensorsAndFilesOfTheModelAreRead() throws IOException {
    files.put("quantized/model-q8_0.gguf", new byte[] {1, 2, 3});
    assertThat(pull("org/small/quantized/model-q8_0.gguf")).hasBinaryContent(new byte[] {1, 2, 3});
    assertThatThrownBy(() -> pull("org/small/other.gguf"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("has no file 'other.gguf'");
    files.remove("model.safetensors");
    files.put("pytorch_model.bin", new byte[9]);
    assertThatThrownBy(() -> pull("org/pickle"))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("has no model.safetensors");
    files.put(
        "model.safetensors.index.json",
        "{\"weight_map\": {\"a\": \"../../../evil.safetensors\"}}".getBytes(UTF_8));
    files.put("../../../evil.safetensors", new byte[9]);
    assertThatThrownBy(() -> pull("org/evil"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("has no file '../../../evil.safetensors'");
  }

  @Test
  void namesAndSettings() {
    assertThat(HubModel.of("Qwen/Qwen3-0.6B"))
        .contains(new HubModel("Qwen/Qwen3-0.6B", "main", Optional.empty()));
    assertThat(HubModel.of("a/b/c.gguf@refs/pr/1"))
        .contains(new HubModel("a/b", "refs/pr/1", Optional.of("c.gguf")));
    for (String path : List.of("models/x/y", "./a/b", "a/../b", "model.gguf", "/a/b", "a b/c")) {
      assertThat(HubModel.of(path)).as(path).isEmpty();
    }
    HubSettings settings =
        HubSettings.of(
            Map.of("HF_HOME", "/data/hf", "HF_TOKEN", "secret", "HF_HUB_OFFLINE", "1"), folder);
    assertThat(settings.cache()).isEqualTo(Path.of("/data/hf/hub"));
    assertThat(settings.offline()).isTrue();
    assertThat(settings.toString()).doesNotContain("secret");
    assertThatThrownBy(() -> HubSettings.of(Map.of("HF_ENDPOINT", "mirror"), folder))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("HF_ENDPOINT");
  }
}
