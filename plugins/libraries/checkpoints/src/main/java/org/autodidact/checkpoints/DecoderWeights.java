package org.autodidact.checkpoints;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The tensors that a decoder consists of. */
public final class DecoderWeights {
  static final String EMBEDDING = "model.embed_tokens.weight";
  static final String HEAD = "lm_head.weight";

  private DecoderWeights() {}

  /**
   * Shapes by Hugging Face's names, outermost dimension first, layer by layer. Their number is that
   * of the configuration's layers, whose number is bounded when it is read.
   */
  public static Map<String, List<Long>> shapes(ModelConfig config) {
    Map<String, List<Long>> shapes = new LinkedHashMap<>();
    long hidden = config.hiddenSize();
    long mlp = config.intermediateSize();
    long size = config.headSize();
    long queries = config.heads() * size;
    long keys = config.keyValueHeads() * size;
    shapes.put(EMBEDDING, List.of((long) config.vocabularySize(), hidden));
    for (int i = 0; i < config.layers(); i++) {
      String layer = "model.layers." + i + ".";
      shapes.put(layer + "input_layernorm.weight", List.of(hidden));
      linear(shapes, layer + "self_attn.q_proj", queries, hidden, config.attentionBias());
      linear(shapes, layer + "self_attn.k_proj", keys, hidden, config.attentionBias());
      linear(shapes, layer + "self_attn.v_proj", keys, hidden, config.attentionBias());
      linear(shapes, layer + "self_attn.o_proj", hidden, queries, config.outputBias());
      if (config.norm().queriesAndKeys()) {
        shapes.put(layer + "self_attn.q_norm.weight", List.of(size));
        shapes.put(layer + "self_attn.k_norm.weight", List.of(size));
      }
      shapes.put(layer + "post_attention_layernorm.weight", List.of(hidden));
      if (config.norm().sublayerOutputs()) {
        shapes.put(layer + "pre_feedforward_layernorm.weight", List.of(hidden));
        shapes.put(layer + "post_feedforward_layernorm.weight", List.of(hidden));
      }
      linear(shapes, layer + "mlp.gate_proj", mlp, hidden, config.mlpBias());
      linear(shapes, layer + "mlp.up_proj", mlp, hidden, config.mlpBias());
      linear(shapes, layer + "mlp.down_proj", hidden, mlp, config.mlpBias());
    }
    shapes.put("model.norm.weight", List.of(hidden));
    if (!config.tiedEmbeddings()) {
      shapes.put(HEAD, shapes.get(EMBEDDING));
    }
    return shapes;
  }

  private static void linear(
      Map<String, List<Long>> shapes, String name, long outputs, long inputs, boolean bias) {
    shapes.put(name + ".weight", List.of(outputs, inputs));
    if (bias) {
      shapes.put(name + ".bias", List.of(outputs));
    }
  }
}
