package org.autodidact.pytorch.data;

import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.stream.Stream;
import org.autodidact.api.Probe;
import org.autodidact.api.TrainingRequest;
import org.autodidact.checkpoints.ModelFolder;

/**
 * All texts of a training, tokenized.
 *
 * @param probes empty where the model's context does not hold one
 */
public record TokenizedRequest(
    List<TokenizedExample> examples,
    List<TokenizedExample> heldOut,
    List<Optional<TokenizedExample>> probes) {

  public static TokenizedRequest of(TrainingRequest request, ModelFolder base) {
    ExampleEncoder encoder = new ExampleEncoder(base, request.settings());
    List<TokenizedExample> examples =
        encoder.encode(request.examples(), false, request.settings().loss());
    List<TokenizedExample> heldOut =
        encoder.encode(request.heldOut(), true, request.settings().loss());
    List<Optional<TokenizedExample>> probes = new ArrayList<>();
    for (Probe probe : request.probes()) {
      probes.add(encoder.encode(probes.size(), probe));
    }
    return new TokenizedRequest(examples, heldOut, probes);
  }

  /** Tokens of the longest sequence. */
  public int longestSequence() {
    return Stream.of(examples.stream(), heldOut.stream(), probes.stream().flatMap(Optional::stream))
        .flatMap(each -> each)
        .mapToInt(TokenizedExample::longestSequence)
        .max()
        .orElseThrow();
  }
}
