package org.autodidact.checkpoints.gguf;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeSet;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ConfigReader;
import org.autodidact.checkpoints.DecoderWeights;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.files.BoundedFiles;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.checkpoints.safetensors.WeightSource;

/** GGUF files, the format of llama.cpp. */
public final class Gguf {
  private Gguf() {}

  /**
   * The files that a model consists of, given the first of them: that one, or all of a model in
   * several files ({@code NAME-00001-of-0000N.gguf}).
   *
   * @throws InvalidInputException where one is missing or no GGUF file, or another than the first
   *     is given
   */
  public static List<Path> parts(Path gguf) {
    try (GgufFile file = GgufFile.open(gguf)) {
      return file.parts();
    }
  }

  /**
   * Imports a GGUF file, or all files of a model that is split, into a Hugging Face folder with
   * float32 weights, tokenizer and chat template. The folder appears whole or not at all.
   * Architectures: llama, qwen2, qwen3, smollm3 and granite with a byte-level BPE tokenizer,
   * gemma3.
   *
   * @param gguf the file, or the first of them
   * @throws InvalidInputException where a file is missing or damaged, or metadata and tensors do
   *     not agree; nothing is written then
   * @throws UnsupportedModelException where the model is one that this cannot express
   * @throws StorageException where files cannot be read or written
   */
  public static void importInto(Path gguf, Path folder) {
    try (GgufFile file = GgufFile.open(gguf)) {
      BoundedFiles.guarded(
          gguf,
          () -> {
            write(file, folder);
            return folder;
          });
    }
  }

  private static void write(GgufFile file, Path folder) {
    GgufArchitecture architecture = architecture(file);
    GgufTokenizer tokenizer = new GgufTokenizer(file);
    ObjectNode config = new GgufConfig(file, architecture).json();
    ObjectNode generation = JsonFiles.MAPPER.createObjectNode();
    for (ObjectNode node : List.of(config, generation)) {
      tokenizer.bos().ifPresent(id -> node.put("bos_token_id", id));
      node.set("eos_token_id", ends(tokenizer));
    }
    ModelConfig decoder =
        ConfigReader.read(file.path().toString(), config, Optional.of(generation));
    if (tokenizer.size() != decoder.vocabularySize()) {
      throw file.bad(
          "a token for each of the embedding's " + decoder.vocabularySize() + " rows",
          tokenizer.size() + " tokens");
    }
    Map<String, byte[]> files = new LinkedHashMap<>(tokenizer.files());
    files.put("config.json", JsonFiles.bytes(config));
    files.put("generation_config.json", JsonFiles.bytes(generation));
    ModelFolder.write(folder, weights(file, architecture, decoder), files);
  }

  private static JsonNode ends(GgufTokenizer tokenizer) {
    List<Long> ends = tokenizer.ends();
    return ends.size() == 1
        ? JsonFiles.MAPPER.getNodeFactory().numberNode(ends.get(0))
        : JsonFiles.MAPPER.valueToTree(ends);
  }

  private static GgufArchitecture architecture(GgufFile file) {
    String name = file.text("general.architecture").orElse("none");
    GgufArchitecture architecture = GgufArchitecture.ALL.get(name);
    if (architecture == null) {
      throw new UnsupportedModelException(
          file.path()
              + ": the architecture '"
              + JsonFiles.cut(name)
              + "' is not supported; there are: "
              + new TreeSet<>(GgufArchitecture.ALL.keySet()));
    }
    return architecture;
  }

  /** The tensors of the model that the metadata describe, no more and no fewer. */
  private static Map<String, WeightSource> weights(
      GgufFile file, GgufArchitecture architecture, ModelConfig config) {
    Map<String, List<Long>> shapes = DecoderWeights.shapes(config);
    Map<String, GgufFile.Entry> entries = new LinkedHashMap<>();
    for (GgufFile.Entry entry : file.tensors().values()) {
      String name =
          architecture
              .huggingFaceName(entry.name())
              .orElseThrow(() -> foreign(file, architecture, entry.name()));
      List<Long> shape = shapes.get(name);
      if (shape == null) {
        throw foreign(file, architecture, entry.name());
      }
      if (!shape.equals(entry.shape())) {
        throw file.bad(
            "the tensor '" + entry.name() + "' to have the shape " + shape + " by the metadata",
            entry.shape().toString());
      }
      entries.put(name, entry);
    }
    for (String name : shapes.keySet()) {
      if (!entries.containsKey(name)) {
        throw file.bad(
            "the tensor '" + architecture.ggufName(name) + "'",
            "none of that name; the file is not complete");
      }
    }
    Map<String, WeightSource> weights = new LinkedHashMap<>();
    entries.forEach(
        (name, entry) ->
            weights.put(
                name,
                new WeightSource(
                    entry.shape(), () -> bytes(decoded(file, architecture, config, entry)))));
    return weights;
  }

  private static UnsupportedModelException foreign(
      GgufFile file, GgufArchitecture architecture, String name) {
    return new UnsupportedModelException(
        file.path()
            + ": the tensor '"
            + JsonFiles.cut(name)
            + "' does not belong to a "
            + architecture.modelType()
            + " as its metadata describe it");
  }

  private static float[] decoded(
      GgufFile file, GgufArchitecture architecture, ModelConfig config, GgufFile.Entry entry) {
    float[] values = file.floats(entry);
    if (architecture.gainsFromOne() && entry.name().endsWith("norm.weight")) {
      for (int i = 0; i < values.length; i++) {
        values[i] -= 1;
      }
    }
    if (!architecture.pairsRotated()) {
      return values;
    }
    if (entry.name().contains(".attn_q.")) {
      return halfSplit(values, entry, config.heads());
    }
    if (entry.name().contains(".attn_k.")) {
      return halfSplit(values, entry, config.keyValueHeads());
    }
    return values;
  }

  /**
   * GGUF stores the rows of q and k so that rotary pairs are neighbours; Hugging Face has a head's
   * first halves, then its second ones.
   */
  private static float[] halfSplit(float[] values, GgufFile.Entry entry, int heads) {
    int rows = Math.toIntExact(entry.shape().get(0));
    int width = values.length / rows;
    int size = rows / heads;
    float[] split = new float[values.length];
    for (int row = 0; row < rows; row++) {
      int to = GgufArchitecture.halfSplitRow(row, size);
      System.arraycopy(values, row * width, split, to * width, width);
    }
    return split;
  }

  private static ByteBuffer bytes(float[] values) {
    ByteBuffer bytes =
        ByteBuffer.allocate(Math.multiplyExact(values.length, Float.BYTES))
            .order(ByteOrder.LITTLE_ENDIAN);
    bytes.asFloatBuffer().put(values);
    return bytes;
  }
}
