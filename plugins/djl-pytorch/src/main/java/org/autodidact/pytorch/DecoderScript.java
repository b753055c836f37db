package org.autodidact.pytorch;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TensorInfo;

/**
 * The text of the training program of a decoder (Llama, Qwen, Mistral), in TorchScript, and the
 * order of its weights.
 *
 * <p>B sequences of S tokens, right-padded; R positions whose next token is scored. Padding needs
 * no mask: attention is causal and padded positions are never scored. Logits are made for the R
 * positions only.
 */
final class DecoderScript {
  private static final String FIRST_LAYER = "model.layers.0.";

  private final ModelConfig config;
  private final List<String> weights = new ArrayList<>();
  private final int weightsPerLayer;

  DecoderScript(ModelFolder model) {
    this.config = model.config();
    List<String> missing = unsupported(config);
    if (!missing.isEmpty()) {
      throw new UnsupportedModelException(
          model.path()
              + ": training does not have, and this "
              + config.modelType()
              + " needs: "
              + String.join(", ", missing));
    }
    weights.add("model.embed_tokens.weight");
    for (int i = 0; i < config.layers(); i++) {
      addLayer("model.layers." + i + ".");
    }
    weightsPerLayer = (weights.size() - 1) / config.layers();
    weights.add("model.norm.weight");
    if (!config.tiedEmbeddings()) {
      weights.add("lm_head.weight");
    }
    checkShapes(model);
  }

  /** What a model needs that is not in the program. */
  private static List<String> unsupported(ModelConfig config) {
    Map<String, Boolean> needs = new LinkedHashMap<>();
    needs.put("norms after attention and MLP", config.norm().sublayerOutputs());
    needs.put("norm gains of 1 + w", config.norm().gainsFromOne());
    needs.put("an embedding scale", config.embeddingScale() != 1);
    needs.put("an activation other than silu", config.activation() != ModelConfig.Activation.SILU);
    needs.put(
        "an attention scale of its own",
        config.attentionScale() != 1 / Math.sqrt(config.headSize()));
    needs.put(
        "more than one rotary base",
        config.attention().stream().map(ModelConfig.LayerAttention::rope).distinct().count() > 1);
    return needs.entrySet().stream().filter(Map.Entry::getValue).map(Map.Entry::getKey).toList();
  }

  private void addLayer(String layer) {
    weights.add(layer + "input_layernorm.weight");
    weights.add(layer + "post_attention_layernorm.weight");
    for (String name : List.of("q_proj", "k_proj", "v_proj")) {
      addLinear(layer + "self_attn." + name, config.attentionBias());
    }
    addLinear(layer + "self_attn.o_proj", config.outputBias());
    for (String name : List.of("gate_proj", "up_proj", "down_proj")) {
      addLinear(layer + "mlp." + name, config.mlpBias());
    }
    if (config.norm().queriesAndKeys()) {
      weights.add(layer + "self_attn.q_norm.weight");
      weights.add(layer + "self_attn.k_norm.weight");
    }
  }

  private void addLinear(String name, boolean bias) {
    weights.add(name + ".weight");
    if (bias) {
      weights.add(name + ".bias");
    }
  }

  private void checkShapes(ModelFolder model) {
    TensorInfo embedding =
        model.tensor("model.embed_tokens.weight", config.vocabularySize(), config.hiddenSize());
    for (String name : weights) {
      if (model.tensor(name).shape().isEmpty()) {
        throw new UnsupportedModelException(embedding.file() + ": '" + name + "' has no dimension");
      }
    }
  }

  /** Names of the weights in the order in which the program takes them. */
  List<String> weights() {
    return List.copyOf(weights);
  }

  /** The program. Its methods are described where {@link DecoderProgram} calls them. */
  String text(Objective objective) {
    return """
        class Decoder(Module):
          __parameters__ = []
          __buffers__ = []
          training : bool
          _is_full_backward_hook : Optional[bool]
          def rotate(self: __torch__.Decoder, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
            a = torch.slice(x, 3, 0, HALF)
            b = torch.slice(x, 3, HALF, SIZE)
            return torch.cat([torch.sub(torch.mul(a, cos), torch.mul(b, sin)), torch.add(torch.mul(b, cos), torch.mul(a, sin))], 3)
        ATTEND
          def hidden(self: __torch__.Decoder, ids: Tensor, cos: Tensor, sin: Tensor, w: List[Tensor], dropout: float) -> Tensor:
            rows = torch.size(ids, 0)
            width = torch.size(ids, 1)
            x = torch.embedding(w[0], ids)
            for layer in range(LAYERS):
              o = torch.add(1, torch.mul(layer, STRIDE))
              n = torch.rms_norm(x, [HIDDEN], w[o], EPSILON)
              q = torch.transpose(torch.view(LINEAR_Q, [rows, width, HEADS, SIZE]), 1, 2)
              k = torch.transpose(torch.view(LINEAR_K, [rows, width, KV_HEADS, SIZE]), 1, 2)
              v = torch.transpose(torch.view(LINEAR_V, [rows, width, KV_HEADS, SIZE]), 1, 2)
              q = (self).rotate(NORMED_Q, cos, sin, )
              k = torch.repeat_interleave((self).rotate(NORMED_K, cos, sin, ), GROUP, 1)
              v = torch.repeat_interleave(v, GROUP, 1)
              a = (self).attend(q, k, v, layer, )
              a = torch.reshape(torch.transpose(a, 1, 2), [rows, width, ATTENDED])
              x = torch.add(x, torch.dropout(LINEAR_O, dropout, torch.gt(dropout, 0.)))
              n = torch.rms_norm(x, [HIDDEN], w[torch.add(o, 1)], EPSILON)
              g = torch.mul(torch.silu(LINEAR_GATE), LINEAR_UP)
              x = torch.add(x, torch.dropout(LINEAR_DOWN, dropout, torch.gt(dropout, 0.)))
            return torch.rms_norm(x, [HIDDEN], w[NORM], EPSILON)
          def score(self: __torch__.Decoder, ids: Tensor, at: Tensor, targets: Tensor, owners: Tensor, cos: Tensor, sin: Tensor, w: List[Tensor], dropout: float) -> Tensor:
            x = torch.view((self).hidden(ids, cos, sin, w, dropout, ), [-1, HIDDEN])
            logits = torch.linear(torch.index_select(x, 0, at), w[HEAD])
            picked = torch.squeeze(torch.gather(logits, 1, torch.unsqueeze(targets, 1)), 1)
            each = torch.sub(picked, torch.logsumexp(logits, [1]))
            sums = torch.new_zeros(each, [torch.size(ids, 0)])
            return torch.index_add(sums, 0, owners, each)
          def loss(self: __torch__.Decoder, sums: Tensor, reference: Tensor, lengths: Tensor, weight: float) -> Tensor:
            pairs = torch.floordiv(torch.size(sums, 0), 2)
        LOSS
          def forward(self: __torch__.Decoder, ids: Tensor, at: Tensor, targets: Tensor, owners: Tensor, cos: Tensor, sin: Tensor, reference: Tensor, lengths: Tensor, numbers: Tensor, w: List[Tensor]) -> Tuple[Tensor, Tensor]:
            sums = (self).score(ids, at, targets, owners, cos, sin, w, float(torch.select(numbers, 0, 0)), )
            return ((self).loss(sums, reference, lengths, float(torch.select(numbers, 0, 1)), ), torch.detach(sums))
          def norm(self: __torch__.Decoder, grads: List[Tensor]) -> float:
            norms = annotate(List[Tensor], [])
            for i in range(torch.len(grads)):
              _0 = torch.append(norms, torch.linalg_vector_norm(grads[i]))
            return float(torch.linalg_vector_norm(torch.stack(norms)))
          def adamw(self: __torch__.Decoder, w: List[Tensor], grads: List[Tensor], m: List[Tensor], v: List[Tensor], steps: List[Tensor], rate: float, decay: float, factor: float) -> float:
            a = annotate(List[Tensor], [])
            for i in range(torch.len(w)):
              _0 = torch.append(a, torch.detach(w[i]))
            torch._foreach_mul_(grads, factor)
            torch._fused_adamw_(a, grads, m, v, annotate(List[Tensor], []), steps, lr=rate, beta1=0.90000000000000002, beta2=0.999, weight_decay=decay, eps=1.0000000000000000e-08, amsgrad=False, maximize=False)
            for i in range(torch.len(grads)):
              _1 = torch.zero_(grads[i])
            return rate
        """
        .replace("LOSS", objective.script())
        .replace("ATTENDED", Integer.toString(config.heads() * config.headSize()))
        .replace("ATTEND", attend())
        .replace("LINEAR_Q", linear("n", "self_attn.q_proj"))
        .replace("LINEAR_K", linear("n", "self_attn.k_proj"))
        .replace("LINEAR_V", linear("n", "self_attn.v_proj"))
        .replace("LINEAR_O", linear("a", "self_attn.o_proj"))
        .replace("LINEAR_GATE", linear("n", "mlp.gate_proj"))
        .replace("LINEAR_UP", linear("n", "mlp.up_proj"))
        .replace("LINEAR_DOWN", linear("g", "mlp.down_proj"))
        .replace("NORMED_Q", normed("q"))
        .replace("NORMED_K", normed("k"))
        .replace("HALF", Integer.toString(config.headSize() / 2))
        .replace("SIZE", Integer.toString(config.headSize()))
        .replace("LAYERS", Integer.toString(config.layers()))
        .replace("STRIDE", Integer.toString(weightsPerLayer))
        .replace("HIDDEN", Integer.toString(config.hiddenSize()))
        .replace("EPSILON", String.format(Locale.ROOT, "%.17e", config.norm().epsilon()))
        .replace("KV_HEADS", Integer.toString(config.keyValueHeads()))
        .replace("HEADS", Integer.toString(config.heads()))
        .replace("GROUP", Integer.toString(config.heads() / config.keyValueHeads()))
        .replace("NORM", Integer.toString(1 + weightsPerLayer * config.layers()))
        .replace("HEAD", Integer.toString(config.tiedEmbeddings() ? 0 : weights.size() - 1));
  }

  /** Attention to all tokens before, or to those in the layer's window. */
  private String attend() {
    String all = "torch.scaled_dot_product_attention(q, k, v, None, 0., True)";
    String head =
        "  def attend(self: __torch__.Decoder, q: Tensor, k: Tensor, v: Tensor, layer: int) -> Tensor:\n";
    if (config.attention().stream().allMatch(layer -> layer.window().isEmpty())) {
      return head + "    return " + all;
    }
    List<Integer> windows =
        config.attention().stream().map(a -> a.window().orElse(Integer.MAX_VALUE)).toList();
    return head
        + """
              windows = annotate(List[int], %s)
              window = windows[layer]
              if torch.gt(torch.size(q, 2), window):
                places = torch.arange(torch.size(q, 2))
                back = torch.sub(torch.unsqueeze(places, 1), torch.unsqueeze(places, 0))
                near = torch.logical_and(torch.ge(back, 0), torch.lt(back, window))
                attended = torch.scaled_dot_product_attention(q, k, v, near, 0., False)
              else:
                attended = %s
              return attended"""
            .formatted(windows, all)
            .indent(4)
            .stripTrailing();
  }

  /** Heads, normed where the model does that. */
  private String normed(String heads) {
    return config.norm().queriesAndKeys()
        ? "torch.rms_norm("
            + heads
            + ", [SIZE], "
            + weight("self_attn." + heads + "_norm.weight")
            + ", EPSILON)"
        : heads;
  }

  private String linear(String x, String name) {
    String bias = name + ".bias";
    return "torch.linear("
        + x
        + ", "
        + weight(name + ".weight")
        + (weights.contains(FIRST_LAYER + bias) ? ", " + weight(bias) + ")" : ")");
  }

  /** A weight of the layer whose first one is the {@code o}th. */
  private String weight(String name) {
    return "w[torch.add(o, " + (weights.indexOf(FIRST_LAYER + name) - 1) + ")]";
  }
}
