package org.autodidact.checkpoints.reference;

import java.util.Arrays;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.Rope;

/**
 * A decoder's forward pass in plain Java: one sequence, no cache, double precision, no tricks. It
 * is slow and meant to be read; every back end is held to its logits. Names and order follow
 * transformers' modeling_llama.py; what other architectures add is marked by the field of {@link
 * ModelConfig} that asks for it.
 */
public final class ReferenceDecoder {
  private final ModelFolder model;
  private final ModelConfig config;

  public ReferenceDecoder(ModelFolder model) {
    this.model = model;
    this.config = model.config();
  }

  /**
   * Logits after each token.
   *
   * @param ids the sequence, from its first token on
   * @return [tokens, vocabulary]
   */
  public double[][] logits(int... ids) {
    double[][] embedding = matrix("model.embed_tokens.weight");
    double[][] hidden = new double[ids.length][];
    for (int t = 0; t < ids.length; t++) {
      hidden[t] = scaled(embedding[ids[t]], config.embeddingScale());
    }
    for (int layer = 0; layer < config.layers(); layer++) {
      String name = "model.layers." + layer + ".";
      addAttention(hidden, layer, name);
      addMlp(hidden, name);
    }
    double[][] head = config.tiedEmbeddings() ? embedding : matrix("lm_head.weight");
    double[][] logits = new double[ids.length][];
    for (int t = 0; t < ids.length; t++) {
      double[] normed = rmsNorm(hidden[t], vector("model.norm.weight"));
      logits[t] = scaled(product(head, normed), config.logitScale());
    }
    return logits;
  }

  /** hidden += attention(norm(hidden)), where token t attends to tokens s ≤ t. */
  private void addAttention(double[][] hidden, int layer, String name) {
    ModelConfig.LayerAttention attention = config.attention().get(layer);
    int size = config.headSize();
    int queriesPerKey = config.heads() / config.keyValueHeads();
    int tokens = hidden.length;
    double[][][] queries = new double[tokens][][]; // [tokens, heads, head size]
    double[][][] keys = new double[tokens][][]; // [tokens, key-value heads, head size]
    double[][][] values = new double[tokens][][];
    for (int t = 0; t < tokens; t++) {
      double[] x = rmsNorm(hidden[t], vector(name + "input_layernorm.weight"));
      queries[t] = heads(linear(x, name + "self_attn.q_proj", config.attentionBias()));
      keys[t] = heads(linear(x, name + "self_attn.k_proj", config.attentionBias()));
      values[t] = heads(linear(x, name + "self_attn.v_proj", config.attentionBias()));
      if (config.norm().queriesAndKeys()) {
        normEach(queries[t], vector(name + "self_attn.q_norm.weight"));
        normEach(keys[t], vector(name + "self_attn.k_norm.weight"));
      }
      rotateEach(queries[t], t, attention.rope());
      rotateEach(keys[t], t, attention.rope());
    }
    for (int t = 0; t < tokens; t++) {
      int first = Math.max(0, t + 1 - attention.window().orElse(tokens));
      double[] attended = new double[config.heads() * size];
      for (int h = 0; h < config.heads(); h++) {
        int keyHead = h / queriesPerKey;
        double[] weights = new double[t + 1 - first];
        for (int s = first; s <= t; s++) {
          weights[s - first] = config.attentionScale() * dot(queries[t][h], keys[s][keyHead]);
        }
        softmax(weights);
        for (int s = first; s <= t; s++) {
          for (int i = 0; i < size; i++) {
            attended[h * size + i] += weights[s - first] * values[s][keyHead][i];
          }
        }
      }
      double[] output = linear(attended, name + "self_attn.o_proj", config.outputBias());
      if (config.norm().sublayerOutputs()) {
        output = rmsNorm(output, vector(name + "post_attention_layernorm.weight"));
      }
      add(hidden[t], scaled(output, config.residualScale()));
    }
  }

  /** hidden += down(activation(gate(x)) ⊙ up(x)), x = norm(hidden). */
  private void addMlp(double[][] hidden, String name) {
    boolean sublayers = config.norm().sublayerOutputs();
    String before = sublayers ? "pre_feedforward_layernorm" : "post_attention_layernorm";
    for (double[] row : hidden) {
      double[] x = rmsNorm(row, vector(name + before + ".weight"));
      double[] gate = linear(x, name + "mlp.gate_proj", config.mlpBias());
      double[] up = linear(x, name + "mlp.up_proj", config.mlpBias());
      for (int i = 0; i < gate.length; i++) {
        gate[i] = activation(gate[i]) * up[i];
      }
      double[] output = linear(gate, name + "mlp.down_proj", config.mlpBias());
      if (sublayers) {
        output = rmsNorm(output, vector(name + "post_feedforward_layernorm.weight"));
      }
      add(row, scaled(output, config.residualScale()));
    }
  }

  private double activation(double x) {
    return switch (config.activation()) {
      case SILU -> x / (1 + Math.exp(-x));
      case GELU_TANH ->
          x / 2 * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (x + 0.044715 * x * x * x)));
    };
  }

  /** x / √(mean(x²) + ε) ⊙ gain (Zhang and Sennrich, 2019). */
  private double[] rmsNorm(double[] x, double[] gain) {
    double root = Math.sqrt(dot(x, x) / x.length + config.norm().epsilon());
    double[] normed = new double[x.length];
    for (int i = 0; i < x.length; i++) {
      normed[i] = x[i] / root * (config.norm().gainsFromOne() ? 1 + gain[i] : gain[i]);
    }
    return normed;
  }

  private void normEach(double[][] heads, double[] gain) {
    for (int h = 0; h < heads.length; h++) {
      heads[h] = rmsNorm(heads[h], gain);
    }
  }

  /**
   * RoPE (Su et al., 2021): the pair (x[i], x[i + size / 2]) is turned by position × frequency i.
   */
  private void rotateEach(double[][] heads, int position, ModelConfig.RopeSettings rope) {
    float[] frequencies = Rope.inverseFrequencies(config.headSize(), rope);
    int half = config.headSize() / 2;
    for (double[] x : heads) {
      for (int i = 0; i < half; i++) {
        double cos = Math.cos(position * (double) frequencies[i]);
        double sin = Math.sin(position * (double) frequencies[i]);
        double first = x[i];
        x[i] = first * cos - x[i + half] * sin;
        x[i + half] = x[i + half] * cos + first * sin;
      }
    }
  }

  private double[] linear(double[] x, String name, boolean bias) {
    double[] y = product(matrix(name + ".weight"), x);
    if (bias) {
      add(y, vector(name + ".bias"));
    }
    return y;
  }

  private double[][] heads(double[] x) {
    double[][] heads = new double[x.length / config.headSize()][];
    Arrays.setAll(
        heads, h -> Arrays.copyOfRange(x, h * config.headSize(), (h + 1) * config.headSize()));
    return heads;
  }

  /** A weight [outputs, inputs], read anew each time: this is not about speed. */
  private double[][] matrix(String name) {
    int width = Math.toIntExact(model.tensor(name).shape().get(1));
    double[] all = vector(name);
    double[][] rows = new double[all.length / width][];
    Arrays.setAll(rows, r -> Arrays.copyOfRange(all, r * width, (r + 1) * width));
    return rows;
  }

  private double[] vector(String name) {
    float[] floats = model.floats(model.tensor(name));
    double[] doubles = new double[floats.length];
    Arrays.setAll(doubles, i -> floats[i]);
    return doubles;
  }

  private static double[] product(double[][] matrix, double[] x) {
    return Arrays.stream(matrix).mapToDouble(row -> dot(row, x)).toArray();
  }

  private static double dot(double[] a, double[] b) {
    double sum = 0;
    for (int i = 0; i < a.length; i++) {
      sum += a[i] * b[i];
    }
    return sum;
  }

  private static void softmax(double[] x) {
    double largest = Arrays.stream(x).max().orElseThrow();
    double sum = Arrays.stream(x).map(v -> Math.exp(v - largest)).sum();
    Arrays.setAll(x, i -> Math.exp(x[i] - largest) / sum);
  }

  private static void add(double[] x, double[] y) {
    Arrays.setAll(x, i -> x[i] + y[i]);
  }

  private static double[] scaled(double[] x, double scale) {
    return Arrays.stream(x).map(v -> v * scale).toArray();
  }
}
