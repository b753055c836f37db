package org.autodidact.api;

import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * What brings one part of the loop: a generator, judge, pair selector, trainer, prompt filter or
 * prompt source. Found by its name through a {@link Plugin}. Stateless and thread-safe.
 *
 * <ul>
 *   <li>V1: its name is lower-case letters, digits and hyphens, and no other part of its kind in
 *       the plugin has it; nothing that it returns is null.
 *   <li>V2: an option that is unknown, missing or cannot be used is refused by an {@link
 *       InvalidInputException} that names its key.
 *   <li>V3: what it opens shares nothing: closing one leaves another as it is.
 *   <li>V4: opening a judge asks nothing of its generator.
 *   <li>V5: a judge that shows its model a template refuses one without {@code {instruction}} or
 *       {@code {response}}.
 *   <li>V6: what a generator's provider says that it can do its generators have, and no scorer or
 *       reference beyond it.
 * </ul>
 *
 * @since 0.2
 */
@API(status = Status.STABLE, since = "0.2")
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
