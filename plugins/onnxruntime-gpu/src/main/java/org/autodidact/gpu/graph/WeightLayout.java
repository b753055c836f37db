package org.autodidact.gpu.graph;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelConfig.RopeSettings;

/**
 * The tensors that a decoder's graphs take as inputs, in the order in which they lie in memory. As
 * inputs, not initializers, all graphs share them, and the next iterate's weights take their place
 * by a copy.
 */
public final class WeightLayout {
  /** How a tensor is made. */
  public enum Kind {
    /** Of checkpoint tensors, one below the other. */
    ROWS,
    /** A norm's gains; 1 is added where the model's are from one. */
    GAIN,
    /** Cosines of the rotary angles, [context, head size / 2]. */
    COSINES,
    SINES
  }

  /**
   * A tensor.
   *
   * @param name of the graphs' input
   * @param parts the checkpoint's tensors that it is made of
   * @param rope of a rotary table; others have {@link RopeSettings#NONE}
   */
  public record Tensor(
      String name, List<Long> shape, Kind kind, List<String> parts, RopeSettings rope) {
    public long elements() {
      return shape.stream().reduce(1L, Math::multiplyExact);
    }
  }

  private final List<Tensor> tensors = new ArrayList<>();
  private final Map<RopeSettings, String> ropes = new LinkedHashMap<>();

  public WeightLayout(ModelConfig config) {
    long hidden = config.hiddenSize();
    long size = config.headSize();
    long query = config.heads() * size;
    long keyValue = config.keyValueHeads() * size;
    long middle = config.intermediateSize();
    rows("embedding", config.vocabularySize(), hidden, "model.embed_tokens.weight");
    for (int layer = 0; layer < config.layers(); layer++) {
      String of = layer + ".";
      String from = "model.layers." + layer + ".";
      String attention = from + "self_attn.";
      String mlp = from + "mlp.";
      gain(of + "input_norm", hidden, from + "input_layernorm.weight");
      linear(
          of + "qkv",
          query + 2 * keyValue,
          hidden,
          config.attentionBias(),
          attention + "q_proj",
          attention + "k_proj",
          attention + "v_proj");
      if (config.norm().queriesAndKeys()) {
        gain(of + "q_norm", size, attention + "q_norm.weight");
        gain(of + "k_norm", size, attention + "k_norm.weight");
      }
      linear(of + "o", hidden, query, config.outputBias(), attention + "o_proj");
      gain(of + "post_attention_norm", hidden, from + "post_attention_layernorm.weight");
      if (config.norm().sublayerOutputs()) {
        gain(of + "pre_mlp_norm", hidden, from + "pre_feedforward_layernorm.weight");
        gain(of + "post_mlp_norm", hidden, from + "post_feedforward_layernorm.weight");
      }
      linear(
          of + "gate_up", 2 * middle, hidden, config.mlpBias(), mlp + "gate_proj", mlp + "up_proj");
      linear(of + "down", hidden, middle, config.mlpBias(), mlp + "down_proj");
    }
    gain("norm", hidden, "model.norm.weight");
    if (!config.tiedEmbeddings()) {
      rows("output_head", config.vocabularySize(), hidden, "lm_head.weight");
    }
    for (ModelConfig.LayerAttention layer : config.attention()) {
      RopeSettings rope = layer.rope();
      if (ropes.putIfAbsent(rope, "." + ropes.size()) == null) {
        List<Long> shape = List.of((long) config.contextLength(), size / 2);
        tensors.add(new Tensor("cos" + ropes.get(rope), shape, Kind.COSINES, List.of(), rope));
        tensors.add(new Tensor("sin" + ropes.get(rope), shape, Kind.SINES, List.of(), rope));
      }
    }
  }

  private void rows(String name, long rows, long columns, String... parts) {
    tensors.add(
        new Tensor(name, List.of(rows, columns), Kind.ROWS, List.of(parts), RopeSettings.NONE));
  }

  private void gain(String name, long size, String part) {
    tensors.add(new Tensor(name, List.of(size), Kind.GAIN, List.of(part), RopeSettings.NONE));
  }

  private void linear(String name, long rows, long columns, boolean bias, String... parts) {
    rows(name, rows, columns, suffixed(".weight", parts));
    if (bias) {
      tensors.add(
          new Tensor(
              name + ".bias",
              List.of(rows),
              Kind.ROWS,
              List.of(suffixed(".bias", parts)),
              RopeSettings.NONE));
    }
  }

  private static String[] suffixed(String suffix, String... names) {
    return java.util.Arrays.stream(names).map(name -> name + suffix).toArray(String[]::new);
  }

  public List<Tensor> tensors() {
    return List.copyOf(tensors);
  }

  /** What the names of a rotary table end with. */
  String suffix(RopeSettings rope) {
    return ropes.get(rope);
  }
}
