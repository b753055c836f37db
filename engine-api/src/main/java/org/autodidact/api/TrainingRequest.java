package org.autodidact.api;

import java.nio.file.Path;
import java.util.Collections;
import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * One training.
 *
 * @param base the checkpoint to start from; for preference losses also the reference
 * @param examples what to learn from, all of the kind that the loss needs. Not copied: a run reads
 *     them from its store as they are asked for, quickly in their order, so that a trainer which
 *     walks through them need not hold them all
 * @param heldOut examples of the same kind that are only evaluated; may be empty; not copied either
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
    examples = Collections.unmodifiableList(examples);
    heldOut = Collections.unmodifiableList(heldOut);
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
