package org.autodidact.engine.config;

import java.nio.file.Path;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.ShownText;

/**
 * A model as a person names it: a folder, a GGUF file, a name on the hub, or what the generator
 * understands.
 *
 * @param text the absolute path where there is such a file; else what is written
 * @since 0.2
 */
@API(status = Status.STABLE, since = "0.2")
public record ModelName(String text) {
  /** A folder or a file. */
  public ModelName(Path path) {
    this(path.toString());
  }

  /** The text as a path. */
  public Path path() {
    return Path.of(text);
  }

  /** The text, to be shown. */
  @Override
  public String toString() {
    return ShownText.escaped(text);
  }
}
