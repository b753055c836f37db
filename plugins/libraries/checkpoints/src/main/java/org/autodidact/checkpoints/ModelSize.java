package org.autodidact.checkpoints;

import java.util.List;
import java.util.Map;

/**
 * How many numbers a decoder has, from its hyperparameters.
 *
 * @param multiplied weights that each token is multiplied by: projections and head
 * @param embedding numbers of the embedding
 * @param parameters all of them, each once, where the head is the embedding
 */
public record ModelSize(long multiplied, long embedding, long parameters) {

  /** The size of a model. */
  public static ModelSize of(ModelConfig config) {
    long embedding = (long) config.vocabularySize() * config.hiddenSize();
    long all = 0;
    long matrices = 0;
    for (Map.Entry<String, List<Long>> tensor : DecoderWeights.shapes(config).entrySet()) {
      long elements = tensor.getValue().stream().reduce(1L, Math::multiplyExact);
      all += elements;
      matrices += tensor.getValue().size() == 2 ? elements : 0;
    }
    return new ModelSize(config.tiedEmbeddings() ? matrices : matrices - embedding, embedding, all);
  }
}
