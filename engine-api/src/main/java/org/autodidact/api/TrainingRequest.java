package org.autodidact.api;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * One training.
 *
 * @param base the checkpoint to start from; for preference losses also the reference
 * @param examples what to learn from, all of the kind that the loss needs
 * @param heldOut examples of the same kind that are only evaluated; may be empty
 * @param settings how
 * @param seed seeds the order of the examples and dropout
 * @param output the new checkpoint; its folder appears whole or not at all
 * @param stateFolder where a killed training leaves what it resumes from; deleted when it ends
 * @param probes answers whose log-probabilities the trainer reports, see {@link Trainer#train} T10;
 *     may be empty
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record TrainingRequest(
    Checkpoint base,
    List<TrainingExample> examples,
    List<TrainingExample> heldOut,
    TrainingSettings settings,
    long seed,
    Checkpoint output,
    Path stateFolder,
    List<Probe> probes) {
  public TrainingRequest {
    Objects.requireNonNull(base, "base");
    Objects.requireNonNull(settings, "settings");
    Objects.requireNonNull(output, "output");
    Objects.requireNonNull(stateFolder, "stateFolder");
    examples = List.copyOf(examples);
    heldOut = List.copyOf(heldOut);
    probes = List.copyOf(probes);
  }

  /** A request without probes. */
  public TrainingRequest(
      Checkpoint base,
      List<TrainingExample> examples,
      List<TrainingExample> heldOut,
      TrainingSettings settings,
      long seed,
      Checkpoint output,
      Path stateFolder) {
    this(base, examples, heldOut, settings, seed, output, stateFolder, List.of());
  }
}
