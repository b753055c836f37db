package org.autodidact.engine.plugins;

import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.PartOptions;
import org.autodidact.api.PartProvider;
import org.autodidact.api.Secret;
import org.autodidact.api.Settings;
import org.autodidact.checkpoints.files.Sha256;

/**
 * What the options of a part get from outside of the configuration: environment variables and
 * files. A run keeps their hashes, to say when it goes on with others; of secrets it keeps nothing.
 *
 * @since 0.2
 */
@API(status = Status.EXPERIMENTAL, since = "0.2")
public final class OptionSources {
  private OptionSources() {}

  /** The hashes of what an option names, by option. */
  public static SortedMap<String, String> hashes(
      PartProvider provider, Map<String, String> options) {
    SortedMap<String, String> hashes = new TreeMap<>();
    Record read = PartOptions.of(options).read(provider.optionsType());
    Settings.values(read)
        .forEach(
            (component, found) -> {
              String key = Settings.key(component);
              Object value = found instanceof Optional<?> o ? o.orElse(null) : found;
              String written = options.getOrDefault(key, "");
              if (value instanceof Path file && Files.isRegularFile(file)) {
                hashes.put(key, Sha256.of(file));
              } else if (written.startsWith("${") && value != null && !(value instanceof Secret)) {
                var digest = Sha256.digest();
                digest.update(value.toString().getBytes(StandardCharsets.UTF_8));
                hashes.put(key, Sha256.text(digest));
              }
            });
    return hashes;
  }
}
