package org.autodidact.checkpoints;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;

/** A Hugging Face folder, opened for reading. Holds the tokenizer's native memory until closed. */
public final class ModelFolder implements AutoCloseable {
  /** Small files that a new folder takes over from its base, where they are there. */
  private static final List<String> COMPANIONS =
      List.of(
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "chat_template.jinja");

  /** How models with pictures name their text decoder; transformers 5 and 4. */
  private static final Pattern DECODER =
      Pattern.compile("^(model\\.)?language_model\\.(model\\.)?");

  private final Path path;
  private final ModelConfig config;
  private final SortedMap<String, TensorInfo> tensors;
  private final PromptEncoder encoder;

  private ModelFolder(
      Path path, ModelConfig config, SortedMap<String, TensorInfo> tensors, PromptEncoder encoder) {
    this.path = path;
    this.config = config;
    this.tensors = tensors;
    this.encoder = encoder;
  }

  /** Opens and checks config, tensor headers, tokenizer and chat template. */
  public static ModelFolder open(Path folder) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException(
          folder
              + ": expected a folder in Hugging Face's layout, found "
              + (Files.exists(folder) ? "a file" : "nothing"));
    }
    ModelConfig config = ConfigReader.read(folder);
    SortedMap<String, TensorInfo> tensors = new TreeMap<>();
    readTensors(folder).values().stream()
        .map(t -> t.named(decoderName(t.name())))
        .forEach(t -> tensors.put(t.name(), t));
    return new ModelFolder(
        folder, config, Collections.unmodifiableSortedMap(tensors), PromptEncoder.open(folder));
  }

  /** A tensor's name as a folder without pictures has it. */
  private static String decoderName(String name) {
    Matcher matcher = DECODER.matcher(name);
    if (!matcher.find()) {
      return name;
    }
    boolean outside = matcher.group(1) == null && matcher.group(2) == null;
    return (outside ? "" : "model.") + name.substring(matcher.end());
  }

  private static SortedMap<String, TensorInfo> readTensors(Path folder) {
    SortedMap<String, TensorInfo> tensors = new TreeMap<>();
    Path index = folder.resolve("model.safetensors.index.json");
    if (!Files.exists(index)) {
      Safetensors.read(folder.resolve("model.safetensors")).forEach(t -> tensors.put(t.name(), t));
      return tensors;
    }
    JsonNode map = Json.read(index).path("weight_map");
    Map<String, Map<String, TensorInfo>> shards = new TreeMap<>();
    for (Map.Entry<String, JsonNode> entry : map.properties()) {
      String shard = entry.getValue().asText();
      if (!shard.equals(Path.of(shard).getFileName().toString())) {
        throw new InvalidInputException(
            index + ": the shard '" + shard + "' must be a file in the same folder");
      }
      Map<String, TensorInfo> found =
          shards.computeIfAbsent(
              shard,
              s -> {
                Map<String, TensorInfo> byName = new TreeMap<>();
                Safetensors.read(folder.resolve(s)).forEach(t -> byName.put(t.name(), t));
                return byName;
              });
      TensorInfo tensor = found.get(entry.getKey());
      if (tensor == null) {
        throw new InvalidInputException(
            index
                + ": expected the tensor '"
                + entry.getKey()
                + "' in "
                + shard
                + ", found "
                + found.keySet());
      }
      tensors.put(tensor.name(), tensor);
    }
    return tensors;
  }

  public Path path() {
    return path;
  }

  public ModelConfig config() {
    return config;
  }

  /** Every tensor by name. */
  public SortedMap<String, TensorInfo> tensors() {
    return tensors;
  }

  /** One tensor; the error for a missing one names it, its folder and the near names. */
  public TensorInfo tensor(String name) {
    TensorInfo tensor = tensors.get(name);
    if (tensor == null) {
      String suffix = name.substring(name.lastIndexOf('.', name.lastIndexOf('.') - 1) + 1);
      throw new InvalidInputException(
          path
              + ": the tensor '"
              + name
              + "' is missing; there are "
              + tensors.size()
              + " tensors, those of like name: "
              + tensors.keySet().stream().filter(t -> t.endsWith(suffix)).limit(3).toList());
    }
    return tensor;
  }

  /** One tensor of an expected shape. */
  public TensorInfo tensor(String name, long... shape) {
    TensorInfo tensor = tensor(name);
    List<Long> expected = java.util.Arrays.stream(shape).boxed().toList();
    if (!tensor.shape().equals(expected)) {
      throw new InvalidInputException(
          tensor.file()
              + ": the tensor '"
              + name
              + "' must have shape "
              + expected
              + " by config.json, found "
              + tensor.shape());
    }
    return tensor;
  }

  /** A read-only, little-endian view of the mapped file. */
  public ByteBuffer bytes(TensorInfo tensor) {
    if (tensor.byteLength() > Integer.MAX_VALUE) {
      throw new InvalidInputException(
          tensor.file()
              + ": the tensor '"
              + tensor.name()
              + "' is larger than 2 GiB, which this version cannot read");
    }
    try (FileChannel channel = FileChannel.open(tensor.file(), StandardOpenOption.READ)) {
      return channel
          .map(FileChannel.MapMode.READ_ONLY, tensor.offset(), tensor.byteLength())
          .order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw new StorageException(tensor.file() + ": cannot be read: " + e, e);
    }
  }

  /** The tensor's elements widened to float. */
  public float[] floats(TensorInfo tensor) {
    return floats(tensor, 0, Math.toIntExact(tensor.elements()));
  }

  /** {@code count} of the tensor's elements, from the {@code from}th on, widened to float. */
  public float[] floats(TensorInfo tensor, int from, int count) {
    ByteBuffer bytes = bytes(tensor);
    float[] floats = new float[count];
    switch (tensor.type()) {
      case F32 -> bytes.asFloatBuffer().get(from, floats);
      case BF16 -> {
        for (int i = 0; i < count; i++) {
          floats[i] = Halves.fromBfloat16(bytes.getShort(2 * (from + i)));
        }
      }
      case F16 -> {
        for (int i = 0; i < count; i++) {
          floats[i] = Halves.fromFloat16(bytes.getShort(2 * (from + i)));
        }
      }
    }
    return floats;
  }

  public PromptEncoder encoder() {
    return encoder;
  }

  /** Where an answer ends. */
  public Ends ends() {
    return encoder.ends(config.endOfTextIds());
  }

  /**
   * Writes a folder with this one's config and tokenizer and new float32 weights. The folder
   * appears whole or not at all: it is written beside its place, forced to disk and renamed.
   *
   * @param tensors little-endian float32 by name, in the order of writing
   * @param more small files besides, by name, for example metrics
   */
  public void writeWithWeights(
      Path folder, Map<String, WeightSource> tensors, Map<String, byte[]> more) {
    ObjectNode copy = Json.read(path.resolve("config.json"));
    copy.remove("torch_dtype");
    copy.remove("quantization_config");
    copy.put("dtype", "float32");
    // Older transformers read this name, newer ones both.
    copy.put("torch_dtype", "float32");
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("config.json", Json.bytes(copy));
    for (String companion : COMPANIONS) {
      Path file = path.resolve(companion);
      if (Files.exists(file)) {
        try {
          files.put(companion, Files.readAllBytes(file));
        } catch (IOException e) {
          throw new StorageException(file + ": cannot be read: " + e, e);
        }
      }
    }
    files.putAll(more);
    write(folder, tensors, files);
  }

  /** Writes a whole folder beside its place and renames it. */
  public static void write(
      Path folder, Map<String, WeightSource> tensors, Map<String, byte[]> files) {
    write(folder, "model.safetensors", tensors, files);
  }

  /** The same with another name for the file of tensors. */
  public static void write(
      Path folder,
      String tensorFile,
      Map<String, WeightSource> tensors,
      Map<String, byte[]> files) {
    Path target = folder.toAbsolutePath();
    if (Files.exists(target)) {
      throw new InvalidInputException(target + ": exists already; name a new folder or delete it");
    }
    Path part = null;
    try {
      Files.createDirectories(target.getParent());
      // Not a temporary folder of the library's making: others could not read it.
      String suffix = Long.toHexString(ProcessHandle.current().pid() ^ System.nanoTime());
      part = Files.createDirectory(target.resolveSibling(target.getFileName() + ".part-" + suffix));
      for (String name : new TreeSet<>(files.keySet())) {
        writeForced(part.resolve(name), files.get(name));
      }
      Safetensors.write(part.resolve(tensorFile), tensors);
      Files.move(part, target, java.nio.file.StandardCopyOption.ATOMIC_MOVE);
      Folders.force(target.getParent());
    } catch (IOException e) {
      throw new StorageException(
          target
              + ": the checkpoint cannot be written: "
              + e
              + "; nothing is left there, free space or choose another folder",
          e);
    } finally {
      if (part != null) {
        Folders.deleteIfThere(part);
      }
    }
  }

  private static void writeForced(Path file, byte[] bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      ByteBuffer buffer = ByteBuffer.wrap(bytes);
      while (buffer.hasRemaining()) {
        channel.write(buffer);
      }
      channel.force(true);
    }
  }

  @Override
  public void close() {
    encoder.close();
  }
}
