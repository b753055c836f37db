package org.autodidact.checkpoints;

import java.util.EnumSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;

/**
 * A decoder's hyperparameters, from config.json (and generation_config.json for {@code
 * endOfTextIds}). What differs between architectures is said here, so that no back end asks for the
 * name; {@link #features()} lists it.
 *
 * @param modelType Hugging Face's {@code model_type}, for example {@code llama}
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width of the gated MLP
 * @param layers number of decoder layers
 * @param heads query heads
 * @param keyValueHeads key and value heads; divides {@code heads}
 * @param headSize width of a head
 * @param vocabularySize rows of the embedding
 * @param contextLength {@code max_position_embeddings}, at most 1,048,576
 * @param embeddingScale what embedded tokens are multiplied by
 * @param residualScale what attention and MLP outputs are multiplied by before they are added to
 *     the residual stream (Granite)
 * @param logitScale what logits are multiplied by (Granite)
 * @param norm how activations are normed
 * @param activation of the MLP's gate
 * @param attentionScale what a score is multiplied by before the softmax
 * @param attention what the layers attend to, one a layer
 * @param tiedEmbeddings whether the head is the embedding
 * @param attentionBias whether q, k and v have biases
 * @param outputBias whether o has one
 * @param mlpBias whether gate, up and down have biases
 * @param endOfTextIds token ids that end an answer, at least one
 */
public record ModelConfig(
    String modelType,
    int hiddenSize,
    int intermediateSize,
    int layers,
    int heads,
    int keyValueHeads,
    int headSize,
    int vocabularySize,
    int contextLength,
    double embeddingScale,
    double residualScale,
    double logitScale,
    Norm norm,
    Activation activation,
    double attentionScale,
    List<LayerAttention> attention,
    boolean tiedEmbeddings,
    boolean attentionBias,
    boolean outputBias,
    boolean mlpBias,
    List<Integer> endOfTextIds) {
  public ModelConfig {
    attention = List.copyOf(attention);
    endOfTextIds = List.copyOf(endOfTextIds);
  }

  /** What this model needs of a back end beyond a plain Llama, in {@link ModelFeature}'s order. */
  public Set<ModelFeature> features() {
    Set<ModelFeature> features = EnumSet.noneOf(ModelFeature.class);
    for (ModelFeature feature : ModelFeature.values()) {
      if (feature.isNeededBy(this)) {
        features.add(feature);
      }
    }
    return features;
  }

  /** This configuration with an output head of its own. */
  ModelConfig untied() {
    return with(false, endOfTextIds);
  }

  /** This configuration with other end-of-text ids. */
  ModelConfig endingAt(List<Integer> ids) {
    return with(tiedEmbeddings, ids);
  }

  private ModelConfig with(boolean tied, List<Integer> ids) {
    return new ModelConfig(
        modelType,
        hiddenSize,
        intermediateSize,
        layers,
        heads,
        keyValueHeads,
        headSize,
        vocabularySize,
        contextLength,
        embeddingScale,
        residualScale,
        logitScale,
        norm,
        activation,
        attentionScale,
        attention,
        tied,
        attentionBias,
        outputBias,
        mlpBias,
        ids);
  }

  /** The gate's function. */
  public enum Activation {
    /** x σ(x). */
    SILU,
    /** GELU by its tanh approximation (Hendrycks and Gimpel, 2016). */
    GELU_TANH
  }

  /**
   * RMSNorm (Zhang and Sennrich, 2019) and where it stands.
   *
   * @param epsilon {@code rms_norm_eps}
   * @param gainsFromOne whether a gain is 1 + w (Gemma), not w
   * @param queriesAndKeys whether each head's queries and keys are normed before rotation
   * @param sublayerOutputs whether what attention and MLP add is normed too
   */
  public record Norm(
      double epsilon, boolean gainsFromOne, boolean queriesAndKeys, boolean sublayerOutputs) {}

  /**
   * What a layer attends to.
   *
   * @param window tokens that a token attends to, itself among them; empty for all before it
   * @param rope its rotary positions
   */
  public record LayerAttention(OptionalInt window, RopeSettings rope) {}

  /**
   * Rotary position embeddings (RoPE).
   *
   * @param theta base of the frequencies; infinite in a layer without RoPE (NoPE)
   * @param scaling how the frequencies are stretched, where they are
   */
  public record RopeSettings(double theta, Optional<RopeScaling> scaling) {
    /** No positions: all angles are 0, so that a table of them rotates nothing. */
    public static final RopeSettings NONE =
        new RopeSettings(Double.POSITIVE_INFINITY, Optional.empty());
  }

  /**
   * Rotary scaling.
   *
   * @param type {@code linear}, {@code llama3} (dynamic and others are refused when read)
   * @param factor how much longer the context becomes
   * @param lowFrequencyFactor llama3 only, else 0
   * @param highFrequencyFactor llama3 only, else 0
   * @param originalContextLength llama3 only, else 0
   */
  public record RopeScaling(
      String type,
      double factor,
      double lowFrequencyFactor,
      double highFrequencyFactor,
      int originalContextLength) {}
}
