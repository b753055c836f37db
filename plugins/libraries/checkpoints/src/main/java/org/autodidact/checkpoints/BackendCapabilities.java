package org.autodidact.checkpoints;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.EnumSet;
import java.util.Set;
import java.util.stream.Collectors;
import org.autodidact.api.UnsupportedModelException;

/**
 * What one back end computes. {@code doctor --model}, the errors of those that open a model and the
 * table in docs/models.md are made of these.
 *
 * @param backend what it is called in errors and tables, for example {@code int8}
 * @param features what it computes beyond a plain Llama
 */
public record BackendCapabilities(String backend, Set<ModelFeature> features) {
  public BackendCapabilities {
    features = Set.copyOf(features);
  }

  /** A back end that computes everything but {@code missing}. */
  public static BackendCapabilities allBut(String backend, ModelFeature... missing) {
    Set<ModelFeature> features = EnumSet.allOf(ModelFeature.class);
    Arrays.asList(missing).forEach(features::remove);
    return new BackendCapabilities(backend, features);
  }

  /** What a model needs and this back end does not compute; empty where it can run the model. */
  public Set<ModelFeature> missing(ModelConfig config) {
    Set<ModelFeature> missing = EnumSet.copyOf(config.features());
    missing.removeAll(features);
    return missing;
  }

  public boolean supports(ModelConfig config) {
    return missing(config).isEmpty();
  }

  /**
   * Refuses a model that this back end cannot run.
   *
   * @param model the model's folder
   * @param advice what to do instead, for example {@code use fp32}
   * @throws UnsupportedModelException names what is missing
   */
  public void require(Path model, ModelConfig config, String advice) {
    if (!supports(config)) {
      throw new UnsupportedModelException(
          model
              + ": "
              + backend
              + " does not have, and this "
              + config.modelType()
              + " needs: "
              + inWords(missing(config))
              + advice);
    }
  }

  /** One line: what it can do with a model. */
  public String verdict(ModelConfig config) {
    return backend + (supports(config) ? ": yes" : ": no: " + inWords(missing(config)));
  }

  private static String inWords(Set<ModelFeature> features) {
    return features.stream().map(ModelFeature::toString).collect(Collectors.joining(", "));
  }
}
