package org.autodidact.checkpoints;

import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.time.Clock;
import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.files.BoundedFiles;
import org.autodidact.checkpoints.files.StagedFolder;
import org.autodidact.checkpoints.files.Warnings;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.checkpoints.safetensors.DataType;
import org.autodidact.checkpoints.safetensors.Float16;
import org.autodidact.checkpoints.safetensors.Safetensors;
import org.autodidact.checkpoints.safetensors.TensorFiles;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.checkpoints.safetensors.WeightSource;
import org.autodidact.checkpoints.tokenizer.EndOfTurn;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;

/** A Hugging Face folder, opened for reading. Holds the tokenizer's native memory until closed. */
public final class ModelFolder implements AutoCloseable {
  /** Small files that a new folder takes over from its base, where they are there. */
  public static final List<String> COMPANIONS =
      List.of(
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "chat_template.jinja");

  private static final String TIED = "tie_word_embeddings";

  /** How models with pictures name their text decoder; transformers 5 and 4. */
  private static final Pattern DECODER =
      Pattern.compile("^(model\\.)?language_model\\.(model\\.)?");

  /** Numbers of two tensors that are compared at a time. */
  private static final int COMPARED = 1 << 20;

  private final Path path;
  private final ModelConfig config;
  private final SortedMap<String, TensorInfo> tensors;
  private final SortedMap<String, String> others;
  private final Optional<PromptEncoder> encoder;

  private ModelFolder(
      Path path,
      ModelConfig config,
      SortedMap<String, TensorInfo> tensors,
      SortedMap<String, String> others,
      Optional<PromptEncoder> encoder) {
    this.path = path;
    this.config = config;
    this.tensors = tensors;
    this.others = others;
    this.encoder = encoder;
  }

  /**
   * Opens and checks config, tensor headers, tokenizer and chat template. Nothing is computed with
   * a size before the tensors have it.
   *
   * @throws InvalidInputException where a file is missing or damaged, where config.json and the
   *     tensors do not agree, or tokenizer and weights do not belong together
   * @throws UnsupportedModelException where the model cannot be run
   * @throws StorageException where a file cannot be read
   */
  public static ModelFolder open(Path folder) {
    return open(folder, Clock.systemDefaultZone());
  }

  /** As {@link #open(Path)}; {@code clock} is the time that the chat template may write. */
  public static ModelFolder open(Path folder, Clock clock) {
    if (!Files.isDirectory(folder)) {
      throw new InvalidInputException(
          folder
              + ": expected a folder in Hugging Face's layout, found "
              + (Files.exists(folder) ? "a file" : "nothing"));
    }
    return BoundedFiles.guarded(folder, () -> read(folder, clock));
  }

  private static ModelFolder read(Path folder, Clock clock) {
    ModelConfig config = ConfigReader.read(folder);
    SortedMap<String, TensorInfo> tensors = new TreeMap<>();
    SortedMap<String, String> others = new TreeMap<>();
    for (Safetensors.Contents contents : TensorFiles.read(folder)) {
      contents.tensors().stream()
          .map(t -> t.named(decoderName(t.name())))
          .forEach(t -> tensors.put(t.name(), t));
      contents.others().forEach((name, type) -> others.put(decoderName(name), type));
    }
    TensorInfo head = tensors.get(DecoderWeights.HEAD);
    if (config.tiedEmbeddings() && head != null) {
      TensorInfo embedding = tensors.get(DecoderWeights.EMBEDDING);
      if (embedding == null) {
        // Tied to what is there, as transformers does.
        tensors.put(DecoderWeights.EMBEDDING, head.named(DecoderWeights.EMBEDDING));
      } else if (!equal(embedding, head)) {
        config = config.untied();
        Warnings.once(
            folder
                + ": config.json ties the head to the embedding, but lm_head.weight is another; it is"
                + " kept, as transformers 5 does. Write \"tie_word_embeddings\": false to say so");
      }
    }
    ModelFolder model =
        new ModelFolder(
            folder, config, Collections.unmodifiableSortedMap(tensors), others, Optional.empty());
    DecoderWeights.shapes(config)
        .forEach(
            (name, shape) ->
                model.tensor(name, shape.stream().mapToLong(Long::longValue).toArray()));
    warnOfMoreLayers(folder, config, tensors.keySet());
    PromptEncoder encoder = PromptEncoder.open(folder, clock);
    try {
      encoder.requireBelow(config.vocabularySize());
    } catch (RuntimeException e) {
      encoder.close();
      throw e;
    }
    return new ModelFolder(folder, config, model.tensors, others, Optional.of(encoder));
  }

  private static void warnOfMoreLayers(Path folder, ModelConfig config, Set<String> tensors) {
    String next = "model.layers." + config.layers() + ".";
    tensors.stream()
        .filter(name -> name.startsWith(next))
        .findFirst()
        .ifPresent(
            name ->
                Warnings.once(
                    folder
                        + ": config.json says num_hidden_layers "
                        + config.layers()
                        + ", but there is '"
                        + name
                        + "'; what is beyond is left out, as transformers does"));
  }

  /** Whether two tensors are the same numbers; those of other shapes are not. */
  private static boolean equal(TensorInfo one, TensorInfo other) {
    if (!one.shape().equals(other.shape())) {
      return false;
    }
    for (long at = 0; at < one.elements(); at += COMPARED) {
      int count = (int) Math.min(COMPARED, one.elements() - at);
      float[] numbers = part(one, at, count);
      float[] others = part(other, at, count);
      for (int i = 0; i < count; i++) {
        if (numbers[i] != others[i]) {
          return false;
        }
      }
    }
    return true;
  }

  private static float[] part(TensorInfo tensor, long from, int count) {
    int bytes = tensor.type().bytes();
    return widened(
        tensor.type(),
        map(tensor.file(), tensor.offset() + from * bytes, (long) count * bytes),
        0,
        count);
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
    if (tensor == null && others.containsKey(name)) {
      throw new UnsupportedModelException(
          path + ", tensor '" + name + "': " + Safetensors.unsupported(others.get(name)));
    }
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
    return map(tensor.file(), tensor.offset(), tensor.byteLength());
  }

  private static ByteBuffer map(Path file, long offset, long length) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      return channel
          .map(FileChannel.MapMode.READ_ONLY, offset, length)
          .order(ByteOrder.LITTLE_ENDIAN);
    } catch (IOException e) {
      throw StorageException.of(file + ": cannot be read: " + e, e);
    }
  }

  /** The tensor's elements widened to float. */
  public float[] floats(TensorInfo tensor) {
    return floats(tensor, bytes(tensor), 0, Math.toIntExact(tensor.elements()));
  }

  /**
   * {@code count} of a tensor's elements, from the {@code from}th on, widened to float.
   *
   * @param bytes the tensor's {@link #bytes(TensorInfo)}, mapped once for all pieces
   */
  public static float[] floats(TensorInfo tensor, ByteBuffer bytes, int from, int count) {
    return widened(tensor.type(), bytes, from, count);
  }

  /** As {@link #floats(TensorInfo, ByteBuffer, int, int)}, into an array that is filled. */
  public static void floats(TensorInfo tensor, ByteBuffer bytes, int from, float[] into) {
    widen(tensor.type(), bytes, from, into);
  }

  private static float[] widened(DataType type, ByteBuffer bytes, int from, int count) {
    float[] floats = new float[count];
    widen(type, bytes, from, floats);
    return floats;
  }

  private static void widen(DataType type, ByteBuffer bytes, int from, float[] into) {
    switch (type) {
      case F32 -> bytes.asFloatBuffer().get(from, into);
      case BF16 -> {
        for (int i = 0; i < into.length; i++) {
          into[i] = Float16.fromBfloat16(bytes.getShort(2 * (from + i)));
        }
      }
      case F16 -> {
        for (int i = 0; i < into.length; i++) {
          into[i] = Float16.fromFloat16(bytes.getShort(2 * (from + i)));
        }
      }
    }
  }

  public PromptEncoder encoder() {
    return encoder.orElseThrow();
  }

  /** Where an answer ends. */
  public EndOfTurn ends() {
    return encoder().ends(config.endOfTextIds());
  }

  /**
   * Writes a folder with this one's config and tokenizer and new float32 weights. The folder
   * appears whole or not at all: it is written under a temporary name, forced to disk and renamed.
   *
   * @param tensors little-endian float32 by name, in the order of writing
   * @param more small files besides, by name, for example metrics
   */
  public void writeWithWeights(
      Path folder, Map<String, WeightSource> tensors, Map<String, byte[]> more) {
    ObjectNode copy = JsonFiles.read(path.resolve("config.json"));
    copy.remove("torch_dtype");
    copy.remove("quantization_config");
    copy.put("dtype", "float32");
    // Older transformers read this name, newer ones both.
    copy.put("torch_dtype", "float32");
    // Where the flag said otherwise than the weights that were read and are written.
    ObjectNode decoder = copy.path("text_config") instanceof ObjectNode text ? text : copy;
    if (!config.tiedEmbeddings() && (decoder != copy || decoder.path(TIED).asBoolean(false))) {
      decoder.put(TIED, false);
      copy.put(TIED, false);
    }
    Map<String, byte[]> files = new LinkedHashMap<>();
    files.put("config.json", JsonFiles.bytes(copy));
    for (String companion : COMPANIONS) {
      Path file = path.resolve(companion);
      if (Files.exists(file)) {
        files.put(
            companion, BoundedFiles.read(file, PromptEncoder.MOST_BYTES, "a model's tokenizer"));
      }
    }
    files.putAll(more);
    write(folder, tensors, files);
  }

  /** Writes a whole folder under a temporary name and renames it. */
  public static void write(
      Path folder, Map<String, WeightSource> tensors, Map<String, byte[]> files) {
    write(folder, "model.safetensors", tensors, files);
  }

  /** Writes a whole folder whose file of tensors has another name. */
  public static void write(
      Path folder,
      String tensorFile,
      Map<String, WeightSource> tensors,
      Map<String, byte[]> files) {
    Path target = folder.toAbsolutePath();
    if (Files.exists(target)) {
      throw new InvalidInputException(target + ": exists already; name a new folder or delete it");
    }
    try (StagedFolder part = StagedFolder.beside(target)) {
      for (String name : new TreeSet<>(files.keySet())) {
        writeForced(part.path().resolve(name), files.get(name));
      }
      Safetensors.write(part.path().resolve(tensorFile), tensors);
      part.finish();
    } catch (IOException e) {
      throw StorageException.of(
          target
              + ": the checkpoint cannot be written: "
              + e
              + "; nothing is left there, free space or choose another folder",
          e);
    }
  }

  private static void writeForced(Path file, byte[] bytes) throws IOException {
    try (FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
      Safetensors.writeFully(channel, ByteBuffer.wrap(bytes));
      channel.force(true);
    }
  }

  @Override
  public void close() {
    encoder.ifPresent(PromptEncoder::close);
  }
}
