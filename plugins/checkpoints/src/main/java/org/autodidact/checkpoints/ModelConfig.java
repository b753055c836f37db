package org.autodidact.checkpoints;

import java.util.List;
import java.util.Optional;

/**
 * A decoder's shape, from config.json (and generation_config.json for {@code endOfTextIds}).
 *
 * @param modelType Hugging Face's {@code model_type}, for example {@code llama}
 * @param hiddenSize width of the residual stream
 * @param intermediateSize width of the gated MLP
 * @param layers number of decoder layers
 * @param heads query heads
 * @param keyValueHeads key and value heads; divides {@code heads}
 * @param headSize width of a head
 * @param vocabularySize rows of the embedding
 * @param contextLength {@code max_position_embeddings}
 * @param normEpsilon {@code rms_norm_eps}
 * @param ropeTheta base of the rotary frequencies
 * @param ropeScaling how the frequencies are stretched, where they are
 * @param tiedEmbeddings whether the head is the embedding
 * @param attentionBias whether q, k, v and o have biases
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
    double normEpsilon,
    double ropeTheta,
    Optional<RopeScaling> ropeScaling,
    boolean tiedEmbeddings,
    boolean attentionBias,
    boolean mlpBias,
    List<Integer> endOfTextIds) {
  public ModelConfig {
    endOfTextIds = List.copyOf(endOfTextIds);
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
