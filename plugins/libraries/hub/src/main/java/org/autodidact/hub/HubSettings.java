package org.autodidact.hub;

import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.files.BoundedFiles;

/**
 * Where the hub is and where its files are kept, by the environment variables of Python's
 * huggingface_hub.
 *
 * @param endpoint {@code HF_ENDPOINT}
 * @param cache {@code HF_HUB_CACHE}, else {@code HF_HOME/hub}, else {@code huggingface/hub} in
 *     {@code XDG_CACHE_HOME} or {@code ~/.cache}
 * @param token {@code HF_TOKEN}, else what {@code huggingface-cli login} stored; never logged
 * @param offline {@code HF_HUB_OFFLINE}: only what is in the cache is used
 */
public record HubSettings(URI endpoint, Path cache, Optional<String> token, boolean offline) {
  private static final String ENDPOINT = "https://huggingface.co";

  public static HubSettings ofEnvironment() {
    return of(System.getenv(), Path.of(System.getProperty("user.home")));
  }

  static HubSettings of(Map<String, String> environment, Path userHome) {
    String endpoint = value(environment, "HF_ENDPOINT").orElse(ENDPOINT);
    URI uri;
    try {
      uri =
          URI.create(
              endpoint.endsWith("/") ? endpoint.substring(0, endpoint.length() - 1) : endpoint);
    } catch (IllegalArgumentException e) {
      throw notAnAddress(endpoint);
    }
    if (uri.getHost() == null || uri.getScheme() == null || !uri.getScheme().matches("https?")) {
      throw notAnAddress(endpoint);
    }
    Path caches =
        value(environment, "XDG_CACHE_HOME").map(Path::of).orElse(userHome.resolve(".cache"));
    Path home = value(environment, "HF_HOME").map(Path::of).orElse(caches.resolve("huggingface"));
    Path cache = value(environment, "HF_HUB_CACHE").map(Path::of).orElse(home.resolve("hub"));
    Path stored = home.resolve("token");
    Optional<String> token =
        value(environment, "HF_TOKEN")
            .or(
                () ->
                    Files.isRegularFile(stored)
                        ? Optional.of(BoundedFiles.text(stored, 1 << 16, "a token").strip())
                        : Optional.empty())
            .filter(text -> !text.isEmpty());
    boolean offline =
        value(environment, "HF_HUB_OFFLINE")
            .filter(text -> text.matches("(?i)1|on|yes|true"))
            .isPresent();
    return new HubSettings(uri, cache.toAbsolutePath(), token, offline);
  }

  private static InvalidInputException notAnAddress(String endpoint) {
    return new InvalidInputException(
        "HF_ENDPOINT must be an address that begins with http:// or https://, found '"
            + endpoint
            + "'");
  }

  private static Optional<String> value(Map<String, String> environment, String name) {
    return Optional.ofNullable(environment.get(name)).filter(text -> !text.isBlank());
  }

  /** Without the token. */
  @Override
  public String toString() {
    return endpoint + ", cache " + cache + (offline ? ", offline" : "");
  }
}
