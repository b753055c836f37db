package org.autodidact.engine.config;

import com.fasterxml.jackson.databind.PropertyNamingStrategies.KebabCaseStrategy;
import com.fasterxml.jackson.databind.annotation.JsonNaming;
import java.util.Map;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PartOptions;

/**
 * A part of a plugin by its name, with its options: {@code {name: mine, options: {word: thanks}}},
 * or the name alone.
 *
 * @param options texts by key, as they are written; see {@link PartOptions}
 * @since 0.2
 */
@API(status = Status.STABLE, since = "0.2")
@JsonNaming(KebabCaseStrategy.class)
public record Part(String name, Map<String, String> options) {
  public Part {
    name = name == null ? "" : name;
    options = options == null ? Map.of() : Map.copyOf(options);
  }

  /** A part without options. */
  public Part(String name) {
    this(name, Map.of());
  }

  /** This part, or one of another name where it has none. */
  Part orNamed(String key, String otherwise) {
    if (name.isEmpty() && otherwise.isEmpty()) {
      throw new InvalidInputException("the key '" + key + ".name' is missing; it has no default");
    }
    return name.isEmpty() ? new Part(otherwise, options) : this;
  }

  /** The options as the provider is given them. */
  public PartOptions partOptions() {
    return PartOptions.of(options);
  }
}
