package org.autodidact.onnxruntime;

import ai.onnx.proto.OnnxMl.TensorProto.DataType;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.Rope;
import org.autodidact.vectors.ByteRows;
import org.autodidact.vectors.Vectors;

/**
 * A checkpoint in 8 bits whose products are ONNX Runtime's, and all between them the JVM's own
 * vectors: attention over a cache of 8 bits, and norms, gates and roundings in one pass each.
 * Thread-safe: each {@link VectorStream} over it has the memory of one thread's runs.
 */
final class VectorDecoder implements AutoCloseable {
  private final ModelConfig config;
  private final Int8Weights weights;
  private final OrtEnvironment environment;
  private final Map<String, ByteProduct> products = new LinkedHashMap<>();
  private final OrtSession head;
  private final float[] cosines;
  private final float[] sines;

  /** The products of a layer. */
  record Layer(
      ByteProduct queriesKeysValues,
      ByteProduct attentionOutput,
      ByteProduct gate,
      ByteProduct up,
      ByteProduct down) {}

  private final List<Layer> layers = new ArrayList<>();

  /** {@code weights} must outlive this. */
  VectorDecoder(ModelConfig config, Int8Weights weights) {
    this.config = config;
    this.weights = weights;
    this.environment = OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
    ModelConfig.RopeSettings rope = config.attention().get(0).rope();
    this.cosines = Rope.cosines(config.headSize(), rope, config.contextLength());
    this.sines = Rope.sines(config.headSize(), rope, config.contextLength());
    OrtSession made = null;
    try {
      for (int i = 0; i < config.layers(); i++) {
        layers.add(
            new Layer(
                product("qkv." + i),
                product("o." + i),
                product("gate." + i),
                product("up." + i),
                product("down." + i)));
      }
      made = headSession();
    } finally {
      if (made == null) {
        products.values().forEach(ByteProduct::close);
      }
    }
    this.head = made;
  }

  /** Whether this JVM has what is needed, and the model nothing that is not written for it. */
  static boolean supports(ModelConfig config) {
    return Vectors.available()
        && ByteRows.supports(config.headSize())
        && config.hiddenSize() % Vectors.BLOCK == 0
        && config.intermediateSize() % Vectors.BLOCK == 0
        && Int8Weights.supports(config);
  }

  private ByteProduct product(String name) {
    ByteProduct made = new ByteProduct(environment, weights.matrix(name), weights.signed());
    products.put(name, made);
    return made;
  }

  /** As {@link DecoderGraph}'s end, from bytes and their scales [R, 1]. */
  private OrtSession headSession() {
    OnnxGraph graph = new OnnxGraph(Path.of(""));
    Int8Weights.Matrix matrix = weights.matrix(Int8Weights.HEAD);
    graph.input("bytes", DataType.UINT8, "R", matrix.inputs());
    graph.input("scale", DataType.FLOAT, "R", 1);
    graph.input("inverse_temperature", DataType.FLOAT, "R", 1);
    ByteProduct.addTo(graph, matrix, weights.signed(), "products");
    graph.node("", "Mul", List.of("products", "scale"), List.of("logits"));
    DecoderGraph.addProbabilities(graph);
    graph.output("logits", DataType.FLOAT, "R", matrix.outputs());
    graph.output("probabilities", DataType.FLOAT, "R", matrix.outputs());
    graph.output("peaks", DataType.FLOAT, "R", 2);
    return ByteProduct.session(environment, graph, matrix, weights.signed());
  }

  ModelConfig config() {
    return config;
  }

  OrtEnvironment environment() {
    return environment;
  }

  Layer layer(int index) {
    return layers.get(index);
  }

  /** The bias that a product's rows get, or empty. */
  float[] bias(String product) {
    return weights.matrix(product).bias();
  }

  OrtSession head() {
    return head;
  }

  /** [V, hidden]. */
  FloatBuffer embedding() {
    return weights.embedding();
  }

  /** [positions, head size / 2]. */
  float[] cosines() {
    return cosines;
  }

  /** [positions, head size / 2]. */
  float[] sines() {
    return sines;
  }

  @Override
  public void close() {
    products.values().forEach(ByteProduct::close);
    try {
      head.close();
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed to close: " + e.getMessage(), e);
    }
  }
}
