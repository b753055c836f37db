package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * What brings one part of the loop: a generator, judge, pair selector, trainer, prompt filter or
 * prompt source. Found by its name through a {@link Plugin}. Stateless and thread-safe.
 *
 * @since 0.2
 */
@API(status = Status.EXPERIMENTAL, since = "0.2")
public interface PartProvider {
  /** The name that selects it: lower-case letters, digits and hyphens. */
  String name();

  /**
   * The options of the part, as a record whose components are {@linkplain Setting settings}; see
   * {@link PartOptions}. A run checks what its configuration gives against it before any work, and
   * {@code plugins} lists it. By default there are none.
   */
  default Class<? extends Record> optionsType() {
    return PartOptions.None.class;
  }
}
