package org.autodidact.api;

import java.util.List;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The entry point of a plugin jar. Found by {@link java.util.ServiceLoader}: name the class in
 * {@code META-INF/services/org.autodidact.api.Plugin} and give it a public constructor without
 * arguments. Override what you bring; constructing a plugin must not load native code.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public interface Plugin {
  /** The plugin's name, for people. */
  String name();

  /**
   * Its version, which a run keeps and compares when it is resumed: by default the {@code
   * Implementation-Version} of its jar's manifest, else empty.
   */
  default String version() {
    String version = getClass().getPackage().getImplementationVersion();
    return version == null ? "" : version;
  }

  default List<GeneratorProvider> generators() {
    return List.of();
  }

  default List<JudgeProvider> judges() {
    return List.of();
  }

  default List<PairSelectorProvider> pairSelectors() {
    return List.of();
  }

  default List<TrainerProvider> trainers() {
    return List.of();
  }

  default List<PromptFilterProvider> promptFilters() {
    return List.of();
  }

  default List<PromptSourceProvider> promptSources() {
    return List.of();
  }

  /**
   * The diagnosis that {@code doctor} prints about this plugin on this machine: a line each,
   * natives loaded or the reason why not. May load native code; must not throw.
   */
  default List<String> diagnose() {
    return List.of();
  }

  /**
   * What {@code doctor --model} prints: a line for each way in which this plugin could run the
   * model, and what is missing where it cannot. Must not throw for a model that it does not know.
   */
  default List<String> diagnose(Checkpoint model) {
    return List.of();
  }
}
