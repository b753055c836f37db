package org.autodidact.checkpoints;

import java.util.function.Predicate;

/**
 * What a decoder may have beyond a plain Llama: RMSNorm before attention and MLP, grouped-query
 * attention over all tokens before, RoPE with one base, SwiGLU. A model's features are {@link
 * ModelConfig#features()}; what a back end computes is a {@link BackendCapabilities} of the same
 * names.
 */
public enum ModelFeature {
  QUERY_KEY_NORM("RMSNorm of each head's queries and keys", c -> c.norm().queriesAndKeys()),
  SUBLAYER_NORM("norms after attention and MLP", c -> c.norm().sublayerOutputs()),
  GAIN_OFFSET("norm gains of 1 + w", c -> c.norm().gainsFromOne()),
  EMBEDDING_SCALE("an embedding scale", c -> c.embeddingScale() != 1),
  RESIDUAL_SCALE("a residual scale", c -> c.residualScale() != 1),
  LOGIT_SCALE("a logit scale", c -> c.logitScale() != 1),
  ATTENTION_SCALE(
      "an attention scale other than 1/√(head size)",
      c -> c.attentionScale() != 1 / Math.sqrt(c.headSize())),
  GELU("the activation GELU (tanh)", c -> c.activation() == ModelConfig.Activation.GELU_TANH),
  ATTENTION_BIAS("biases of q, k and v", ModelConfig::attentionBias),
  OUTPUT_BIAS("a bias of o", ModelConfig::outputBias),
  MLP_BIAS("biases of the MLP", ModelConfig::mlpBias),
  SLIDING_WINDOW(
      "sliding-window attention",
      c -> c.attention().stream().anyMatch(layer -> layer.window().isPresent())),
  ROPE_SCALING(
      "RoPE scaling",
      c -> c.attention().stream().anyMatch(layer -> layer.rope().scaling().isPresent())),
  SECOND_ROPE_BASE(
      "a second RoPE base",
      c ->
          c.attention().stream().map(l -> l.rope()).filter(r -> !isNone(r)).distinct().count() > 1),
  NO_ROPE_LAYERS(
      "layers without RoPE", c -> c.attention().stream().anyMatch(l -> isNone(l.rope()))),
  HEAD_SIZE_NOT_MULTIPLE_OF_16("a head size that is no multiple of 16", c -> c.headSize() % 16 > 0),
  HEAD_SIZE_NOT_POWER_OF_TWO(
      "a head size that is no power of two", c -> Integer.bitCount(c.headSize()) != 1),
  HEAD_SIZE_BELOW_64("a head size below 64", c -> c.headSize() < 64),
  HIDDEN_SIZE_NOT_MULTIPLE_OF_16(
      "a hidden size in no multiple of 16", c -> c.hiddenSize() % 16 != 0),
  INTERMEDIATE_SIZE_NOT_MULTIPLE_OF_32(
      "an intermediate size in no multiple of 32", c -> c.intermediateSize() % 32 != 0),
  SUBLAYER_NORM_NOT_MULTIPLE_OF_32(
      "norms after attention and MLP over a hidden size in no multiple of 32",
      c -> c.norm().sublayerOutputs() && c.hiddenSize() % 32 != 0),
  WIDTH_NOT_MULTIPLE_OF_64(
      "a hidden, intermediate or attention width in no multiple of 64",
      c ->
          c.hiddenSize() % 64 != 0
              || c.intermediateSize() % 64 != 0
              || c.heads() * c.headSize() % 64 != 0);

  private final String text;
  private final Predicate<ModelConfig> needed;

  ModelFeature(String text, Predicate<ModelConfig> needed) {
    this.text = text;
    this.needed = needed;
  }

  private static boolean isNone(ModelConfig.RopeSettings rope) {
    return rope.equals(ModelConfig.RopeSettings.NONE);
  }

  /** Whether a model cannot be computed without this. */
  boolean isNeededBy(ModelConfig config) {
    return needed.test(config);
  }

  /** In words, as errors and tables say it. */
  @Override
  public String toString() {
    return text;
  }
}
