package org.autodidact.checkpoints;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.checkpoints.safetensors.Safetensors;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.checkpoints.safetensors.WeightSource;

/**
 * Merges a LoRA adapter in PEFT's form into its base: W + (alpha / r) B A for each weight that has
 * one (Hu et al., 2021), in float32, as PEFT's {@code merge_and_unload}.
 */
public final class LoraMerge {
  private static final String PREFIX = "base_model.model.";
  private static final String A = ".lora_A.weight";
  private static final String B = ".lora_B.weight";

  /** Keys of adapter_config.json that change the formula, and what leaves it as it is. */
  private static final Map<String, String> PLAIN =
      Map.of("use_dora", "false", "fan_in_fan_out", "false", "bias", "none");

  private LoraMerge() {}

  /** The two matrices of a weight: B [outputs, rank] and A [rank, inputs]. */
  private record Pair(TensorInfo b, TensorInfo a, double scale) {}

  /** Whether a folder holds an adapter, and no whole model. */
  public static boolean isAdapter(Path folder) {
    return Files.exists(folder.resolve("adapter_config.json"))
        && !Files.exists(folder.resolve("config.json"));
  }

  /**
   * Writes the merged model.
   *
   * @param output the new folder, which appears whole or not at all
   * @throws InvalidInputException where the adapter is damaged or of another base
   * @throws UnsupportedModelException where the adapter is of a kind that is not plain LoRA
   */
  public static void write(Path base, Path adapter, Path output) {
    try (ModelFolder model = ModelFolder.open(base)) {
      Map<String, Pair> pairs = pairs(model, adapter);
      Map<String, WeightSource> weights = new LinkedHashMap<>();
      for (TensorInfo tensor : model.tensors().values()) {
        Pair pair = pairs.get(tensor.name());
        weights.put(
            tensor.name(), new WeightSource(tensor.shape(), () -> merged(model, tensor, pair)));
      }
      model.writeWithWeights(output, weights, Map.of());
    }
  }

  /** The adapter's matrices by the name of the weight that they change. */
  private static Map<String, Pair> pairs(ModelFolder model, Path adapter) {
    Path file = adapter.resolve("adapter_config.json");
    ObjectNode config = JsonFiles.read(file);
    requirePlain(file, config);
    SortedMap<String, TensorInfo> tensors = new TreeMap<>();
    Path weights = adapter.resolve("adapter_model.safetensors");
    Safetensors.read(weights).tensors().forEach(t -> tensors.put(t.name(), t));
    Map<String, Pair> pairs = new LinkedHashMap<>();
    TreeSet<String> left = new TreeSet<>(tensors.keySet());
    for (String name : tensors.keySet()) {
      if (!name.startsWith(PREFIX) || !name.endsWith(A)) {
        continue;
      }
      String module = name.substring(PREFIX.length(), name.length() - A.length());
      TensorInfo a = tensors.get(name);
      TensorInfo b = tensors.get(PREFIX + module + B);
      TensorInfo weight = model.tensors().get(module + ".weight");
      if (b == null || weight == null) {
        throw new InvalidInputException(
            weights
                + ": '"
                + ShownText.of(name, 80)
                + "' has no "
                + (b == null ? "lora_B beside it" : "weight in the base " + model.path()));
      }
      long rank = a.shape().get(0);
      List<Long> product = List.of(b.shape().get(0), a.shape().get(a.shape().size() - 1));
      if (a.shape().size() != 2
          || b.shape().size() != 2
          || b.shape().get(1) != rank
          || !product.equals(weight.shape())) {
        throw new InvalidInputException(
            weights
                + ": the matrices of '"
                + ShownText.of(module, 80)
                + "' are "
                + b.shape()
                + " and "
                + a.shape()
                + ", the base's weight is "
                + weight.shape()
                + "; is it this model's adapter?");
      }
      pairs.put(module + ".weight", new Pair(b, a, scale(config, module, rank)));
      left.remove(name);
      left.remove(PREFIX + module + B);
    }
    if (pairs.isEmpty() || !left.isEmpty()) {
      throw new UnsupportedModelException(
          weights
              + (pairs.isEmpty()
                  ? ": has no lora_A and lora_B"
                  : ": '" + ShownText.of(left.first(), 80) + "' is no matrix of a LoRA adapter")
              + "; merge it with PEFT (merge_and_unload) and give the whole model");
    }
    return pairs;
  }

  private static void requirePlain(Path file, ObjectNode config) {
    String type = config.path("peft_type").asText();
    List<String> other = new ArrayList<>();
    if (!type.equals("LORA")) {
      other.add("peft_type " + ShownText.of(type, 40));
    }
    PLAIN.forEach(
        (key, plain) -> {
          JsonNode found = config.path(key);
          if (!found.isMissingNode() && !found.isNull() && !found.asText().equals(plain)) {
            other.add(key + " " + ShownText.of(found.asText(), 40));
          }
        });
    if (!config.path("modules_to_save").isEmpty()) {
      other.add("modules_to_save");
    }
    if (!other.isEmpty()) {
      throw new UnsupportedModelException(
          file
              + ": "
              + String.join(", ", other)
              + " is not merged here; merge it with PEFT (merge_and_unload) and give the whole"
              + " model");
    }
  }

  /** alpha / r, or alpha / √r of rank-stabilized LoRA (Kalajdzievski, 2023). */
  private static double scale(ObjectNode config, String module, long rank) {
    double alpha = config.path("lora_alpha").asDouble(Double.NaN);
    for (Map.Entry<String, JsonNode> own : config.path("alpha_pattern").properties()) {
      if (module.equals(own.getKey()) || module.endsWith("." + own.getKey())) {
        alpha = own.getValue().asDouble(Double.NaN);
      }
    }
    if (!Double.isFinite(alpha)) {
      throw new InvalidInputException("adapter_config.json: lora_alpha is no number");
    }
    return alpha / (config.path("use_rslora").asBoolean() ? Math.sqrt(rank) : rank);
  }

  private static ByteBuffer merged(ModelFolder model, TensorInfo tensor, Pair pair) {
    float[] weight = model.floats(tensor);
    if (pair != null) {
      int rank = Math.toIntExact(pair.a().shape().get(0));
      add(weight, model.floats(pair.b()), model.floats(pair.a()), rank, (float) pair.scale());
    }
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(4, weight.length)).order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(weight);
    return bytes;
  }

  /** Adds scale · B A to the weight, row by row; sums over the rank in double. */
  private static void add(float[] weight, float[] b, float[] a, int rank, float scale) {
    int inputs = a.length / rank;
    double[] row = new double[inputs];
    for (int o = 0; o < b.length / rank; o++) {
      Arrays.fill(row, 0);
      for (int r = 0; r < rank; r++) {
        double factor = b[o * rank + r];
        for (int i = 0; i < inputs; i++) {
          row[i] += factor * a[r * inputs + i];
        }
      }
      for (int i = 0; i < inputs; i++) {
        weight[o * inputs + i] += (float) (scale * row[i]);
      }
    }
  }
}
