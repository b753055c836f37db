package org.autodidact.checkpoints.gguf;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.DecoderWeights;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.Rope;
import org.autodidact.checkpoints.safetensors.Safetensors;
import org.autodidact.checkpoints.safetensors.TensorInfo;

/**
 * Writes a checkpoint as one GGUF file: weights, tokenizer, chat template and metadata, as
 * llama.cpp's convert_hf_to_gguf.py does, so that llama.cpp, Ollama and LM Studio run it.
 */
public final class GgufExport {
  /**
   * How matrices are stored, by the names of llama.cpp's {@code --outtype}; vectors are float32.
   */
  public enum Weights {
    /** The checkpoint's own numbers. */
    F32(GgmlType.F32, 0),
    F16(GgmlType.F16, 1),
    BF16(GgmlType.BF16, 32),
    /** Blocks of 32 numbers with a scale; rows in no multiple of 32 are stored in F16. */
    Q8_0(GgmlType.Q8_0, 7);

    private final GgmlType type;
    private final int fileType;

    Weights(GgmlType type, int fileType) {
      this.type = type;
      this.fileType = fileType;
    }
  }

  /** llama.cpp leaves RoPE out of every fourth layer of a SmolLM3, whatever the file says. */
  private static final int NOPE_INTERVAL = 4;

  /** llama.cpp lets every sixth layer of a Gemma 3 attend to all tokens. */
  private static final int GEMMA_PATTERN = 6;

  private static final int GEMMA_27B_LAYERS = 62;
  private static final int CHUNK_ELEMENTS = 1 << 20;

  private final ModelFolder model;
  private final ModelConfig config;
  private final GgufArchitecture architecture;
  private final Weights weights;
  private final Map<String, Object> metadata = new LinkedHashMap<>();

  private GgufExport(ModelFolder model, Weights weights) {
    this.model = model;
    this.config = model.config();
    this.weights = weights;
    this.architecture =
        GgufArchitecture.ofModelType(config.modelType())
            .orElseThrow(() -> unsupported("the architecture '" + config.modelType() + "'"));
  }

  /**
   * Writes {@code file}, which appears whole or not at all.
   *
   * @throws InvalidInputException where there is such a file already
   * @throws UnsupportedModelException where GGUF, or llama.cpp, cannot express the model
   * @throws StorageException where it cannot be written; nothing is left then
   */
  public static void write(ModelFolder model, Weights weights, Path file) {
    if (Files.exists(file)) {
      throw new InvalidInputException(file + ": exists already; name a new file or delete it");
    }
    GgufExport export = new GgufExport(model, weights);
    export.describe();
    Path target = file.toAbsolutePath();
    Path part =
        target.resolveSibling(target.getFileName() + ".part-" + ProcessHandle.current().pid());
    try {
      Files.createDirectories(target.getParent());
      try (FileChannel channel =
          FileChannel.open(
              part,
              StandardOpenOption.CREATE,
              StandardOpenOption.TRUNCATE_EXISTING,
              StandardOpenOption.WRITE)) {
        export.writeTo(channel);
        channel.force(true);
      }
      Files.move(part, target, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      throw StorageException.of(
          target + ": cannot be written: " + e + "; free space or choose another place", e);
    } finally {
      deleteQuietly(part);
    }
  }

  private static void deleteQuietly(Path file) {
    try {
      Files.deleteIfExists(file);
    } catch (IOException e) {
      // The next export of this name overwrites it.
    }
  }

  private UnsupportedModelException unsupported(String what) {
    return new UnsupportedModelException(
        model.path() + ": llama.cpp does not run " + what + ", so it is not exported as GGUF");
  }

  private void describe() {
    metadata.put("general.architecture", architecture.name());
    metadata.put("general.type", "model");
    metadata.put("general.name", String.valueOf(model.path().toAbsolutePath().getFileName()));
    metadata.put("general.file_type", weights.fileType);
    metadata.put("general.quantization_version", 2);
    put("vocab_size", config.vocabularySize());
    put("context_length", config.contextLength());
    put("embedding_length", config.hiddenSize());
    put("block_count", config.layers());
    put("feed_forward_length", config.intermediateSize());
    put("attention.head_count", config.heads());
    put("attention.head_count_kv", config.keyValueHeads());
    put("attention.key_length", config.headSize());
    put("attention.value_length", config.headSize());
    put("attention.layer_norm_rms_epsilon", (float) config.norm().epsilon());
    put("rope.dimension_count", config.headSize());
    ModelConfig.RopeSettings rope = rope();
    put("rope.freq_base", (float) rope.theta());
    rope.scaling()
        .filter(scaling -> scaling.type().equals("linear"))
        .ifPresent(
            scaling -> {
              put("rope.scaling.type", "linear");
              put("rope.scaling.factor", (float) scaling.factor());
            });
    describeAttention();
    new GgufTokenizerExport(model).describe(metadata);
  }

  private void put(String key, Object value) {
    metadata.put(architecture.name() + "." + key, value);
  }

  /** RoPE of the layers that attend to all tokens; those without RoPE have none to give. */
  private ModelConfig.RopeSettings rope() {
    return config.attention().stream()
        .filter(layer -> layer.window().isEmpty())
        .map(ModelConfig.LayerAttention::rope)
        .filter(rope -> !rope.equals(ModelConfig.RopeSettings.NONE))
        .findFirst()
        .orElseGet(() -> config.attention().get(0).rope());
  }

  /** What an architecture has of its own, where llama.cpp has a key for it or takes it as given. */
  private void describeAttention() {
    double usual = 1 / Math.sqrt(config.headSize());
    switch (architecture.name()) {
      case "granite" -> {
        put("attention.scale", (float) config.attentionScale());
        put("embedding_scale", (float) config.embeddingScale());
        put("residual_scale", (float) config.residualScale());
        put("logit_scale", (float) (1 / config.logitScale()));
      }
      case "gemma3" -> {
        usual =
            config.layers() == GEMMA_27B_LAYERS
                ? 1 / Math.sqrt((double) config.hiddenSize() / config.heads())
                : usual;
        describeGemmaWindows();
      }
      case "smollm3" -> {
        for (int layer = 0; layer < config.layers(); layer++) {
          boolean none = config.attention().get(layer).rope().equals(ModelConfig.RopeSettings.NONE);
          if (none != ((layer + 1) % NOPE_INTERVAL == 0)) {
            throw unsupported("layers without RoPE other than every fourth");
          }
        }
        requireNoWindow();
      }
      default -> requireNoWindow();
    }
    boolean granite = architecture.name().equals("granite");
    if (!granite && Math.abs(config.attentionScale() - usual) > 1e-9) {
      throw unsupported("an attention scale of " + config.attentionScale());
    }
  }

  /** llama.cpp's decoders of these architectures know no windows. */
  private void requireNoWindow() {
    for (ModelConfig.LayerAttention layer : config.attention()) {
      OptionalInt window = layer.window();
      if (window.isPresent() && window.getAsInt() < config.contextLength()) {
        throw unsupported("sliding windows of a " + config.modelType());
      }
    }
  }

  private void describeGemmaWindows() {
    for (int layer = 0; layer < config.layers(); layer++) {
      ModelConfig.LayerAttention attention = config.attention().get(layer);
      if (attention.window().isEmpty() != ((layer + 1) % GEMMA_PATTERN == 0)) {
        throw unsupported("sliding windows in another pattern than five layers of six");
      }
      attention
          .window()
          .ifPresent(
              window -> {
                put("attention.sliding_window", window);
                put("rope.freq_base_swa", (float) attention.rope().theta());
              });
    }
  }

  /** A tensor of the file. {@code source} is a tensor of the checkpoint, or else it has values. */
  private record Output(
      String name, GgmlType type, List<Long> shape, Optional<TensorInfo> source, float[] values) {
    long bytes() {
      return type.bytes(shape.stream().reduce(1L, Math::multiplyExact), name);
    }
  }

  private List<Output> outputs() {
    List<Output> outputs = new ArrayList<>();
    rope()
        .scaling()
        .filter(scaling -> scaling.type().equals("llama3"))
        .ifPresent(scaling -> outputs.add(ropeFactors()));
    for (String name : DecoderWeights.shapes(config).keySet()) {
      TensorInfo tensor = model.tensor(name);
      outputs.add(
          new Output(
              architecture.ggufName(name),
              typeOf(tensor.shape()),
              tensor.shape(),
              Optional.of(tensor),
              new float[0]));
    }
    return outputs;
  }

  private GgmlType typeOf(List<Long> shape) {
    if (shape.size() == 1) {
      return GgmlType.F32;
    }
    return weights == Weights.Q8_0 && shape.get(1) % 32 != 0 ? GgmlType.F16 : weights.type;
  }

  /** Llama 3.1's scaling, by which llama.cpp divides each frequency. */
  private Output ropeFactors() {
    ModelConfig.RopeSettings scaled = rope();
    float[] after = Rope.inverseFrequencies(config.headSize(), scaled);
    float[] before =
        Rope.inverseFrequencies(
            config.headSize(), new ModelConfig.RopeSettings(scaled.theta(), Optional.empty()));
    float[] factors = new float[after.length];
    for (int i = 0; i < factors.length; i++) {
      factors[i] = before[i] / after[i];
    }
    return new Output(
        "rope_freqs.weight",
        GgmlType.F32,
        List.of((long) factors.length),
        Optional.empty(),
        factors);
  }

  private void writeTo(FileChannel channel) throws IOException {
    List<Output> outputs = outputs();
    GgufHeader header = new GgufHeader(metadata);
    long offset = 0;
    for (Output output : outputs) {
      header.tensor(output.name(), output.type(), output.shape(), offset);
      offset += GgufHeader.aligned(output.bytes());
    }
    Safetensors.writeFully(channel, header.bytes(outputs.size()));
    for (Output output : outputs) {
      long end = channel.position() + GgufHeader.aligned(output.bytes());
      if (output.source().isPresent()) {
        copy(channel, output, output.source().get());
      } else {
        encode(channel, output.type(), output.values());
      }
      Safetensors.writeFully(channel, ByteBuffer.allocate((int) (end - channel.position())));
    }
  }

  /** A piece of whole rows at a time. */
  private void copy(FileChannel channel, Output output, TensorInfo tensor) throws IOException {
    // A bias has a number where a matrix has a row.
    boolean bias = tensor.name().endsWith(".bias");
    int width = bias ? 1 : Math.toIntExact(tensor.shape().get(tensor.shape().size() - 1));
    int rows = Math.toIntExact(tensor.elements() / width);
    int piece = Math.max(1, CHUNK_ELEMENTS / width);
    OptionalInt heads = rotatedHeads(tensor.name());
    boolean offset = architecture.gainsFromOne() && tensor.name().endsWith("norm.weight");
    ByteBuffer bytes = model.bytes(tensor);
    for (int from = 0; from < rows; from += piece) {
      int count = Math.min(piece, rows - from);
      float[] values = new float[count * width];
      for (int row = 0; row < count; row++) {
        int source =
            heads.isPresent()
                ? GgufArchitecture.halfSplitRow(from + row, rows / heads.getAsInt())
                : from + row;
        float[] numbers = ModelFolder.floats(tensor, bytes, source * width, width);
        System.arraycopy(numbers, 0, values, row * width, width);
      }
      for (int i = 0; offset && i < values.length; i++) {
        values[i] += 1;
      }
      encode(channel, output.type(), values);
    }
  }

  /** Heads of a projection whose rows llama.cpp wants with RoPE pairs as neighbours. */
  private OptionalInt rotatedHeads(String name) {
    if (architecture.pairsRotated() && name.contains(".self_attn.q_proj.")) {
      return OptionalInt.of(config.heads());
    }
    if (architecture.pairsRotated() && name.contains(".self_attn.k_proj.")) {
      return OptionalInt.of(config.keyValueHeads());
    }
    return OptionalInt.empty();
  }

  private static void encode(FileChannel channel, GgmlType type, float[] values)
      throws IOException {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.toIntExact(type.bytes(values.length, "a tensor")))
            .order(ByteOrder.LITTLE_ENDIAN);
    type.encode(values, bytes);
    Safetensors.writeFully(channel, bytes.flip());
  }
}
