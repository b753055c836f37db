package org.autodidact.checkpoints.gguf;

import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** Writes a GGUF file of two layers, to be changed before it is written. */
public final class TinyGguf {
  static final int HIDDEN = 32;
  static final int MLP = 48;
  static final int LAYERS = 2;

  public final Map<String, Object> metadata = new LinkedHashMap<>();
  public final Map<String, List<Integer>> tensors = new LinkedHashMap<>();

  /** A Llama with the bytes as tokens after three special ones. */
  public TinyGguf() {
    metadata.put("general.architecture", "llama");
    metadata.put("llama.context_length", 64);
    metadata.put("llama.embedding_length", HIDDEN);
    metadata.put("llama.block_count", LAYERS);
    metadata.put("llama.feed_forward_length", MLP);
    metadata.put("llama.attention.head_count", 2);
    metadata.put("llama.attention.head_count_kv", 1);
    metadata.put("llama.attention.layer_norm_rms_epsilon", 1e-5f);
    metadata.put("tokenizer.ggml.model", "gpt2");
    metadata.put("tokenizer.ggml.pre", "llama-bpe");
    List<Object> tokens = new ArrayList<>(List.of("<|endoftext|>", "<|im_start|>", "<|im_end|>"));
    List<Object> types = new ArrayList<>(List.of(3, 3, 3));
    int unprintable = 256;
    for (int b = 0; b < 256; b++) {
      boolean printable = (b >= 33 && b <= 126) || (b >= 161 && b <= 172) || b >= 174;
      tokens.add(Character.toString(printable ? b : unprintable++));
      types.add(1);
    }
    tokens.addAll(List.of("12", "23", "123", "1234"));
    types.addAll(List.of(1, 1, 1, 1));
    metadata.put("tokenizer.ggml.tokens", tokens);
    metadata.put("tokenizer.ggml.token_type", types);
    metadata.put("tokenizer.ggml.merges", List.of("1 2", "2 3", "12 3", "123 4"));
    metadata.put("tokenizer.ggml.bos_token_id", 0);
    metadata.put("tokenizer.ggml.eos_token_id", 2);
    metadata.put(
        "tokenizer.chat_template",
        "{% for m in messages %}{{ '<|im_start|>' + m['content'] + '<|im_end|>' }}{% endfor %}");
    tensors.put("token_embd.weight", List.of(tokens.size(), HIDDEN));
    for (int i = 0; i < LAYERS; i++) {
      String layer = "blk." + i + ".";
      tensors.put(layer + "attn_norm.weight", List.of(HIDDEN));
      tensors.put(layer + "attn_q.weight", List.of(HIDDEN, HIDDEN));
      tensors.put(layer + "attn_k.weight", List.of(HIDDEN / 2, HIDDEN));
      tensors.put(layer + "attn_v.weight", List.of(HIDDEN / 2, HIDDEN));
      tensors.put(layer + "attn_output.weight", List.of(HIDDEN, HIDDEN));
      tensors.put(layer + "ffn_norm.weight", List.of(HIDDEN));
      tensors.put(layer + "ffn_gate.weight", List.of(MLP, HIDDEN));
      tensors.put(layer + "ffn_up.weight", List.of(MLP, HIDDEN));
      tensors.put(layer + "ffn_down.weight", List.of(HIDDEN, MLP));
    }
    tensors.put("output_norm.weight", List.of(HIDDEN));
  }

  /** The ith element of a tensor is the hash of its name, modulo 1000, plus i. */
  public Path write(Path path) throws IOException {
    ByteArrayOutputStream header = new ByteArrayOutputStream();
    ByteArrayOutputStream data = new ByteArrayOutputStream();
    header.writeBytes(ints(0x46554747, 3));
    header.writeBytes(longs(tensors.size(), metadata.size()));
    metadata.forEach(
        (key, value) -> {
          header.writeBytes(text(key));
          header.writeBytes(typed(value));
        });
    tensors.forEach(
        (name, shape) -> {
          header.writeBytes(text(name));
          header.writeBytes(ints(shape.size()));
          for (int i = shape.size() - 1; i >= 0; i--) {
            header.writeBytes(longs(shape.get(i)));
          }
          header.writeBytes(ints(0));
          header.writeBytes(longs(data.size()));
          data.writeBytes(numbers(name, shape.stream().reduce(1, (a, b) -> a * b)));
          data.writeBytes(new byte[-data.size() & 31]);
        });
    header.writeBytes(new byte[-header.size() & 31]);
    header.writeBytes(data.toByteArray());
    return Files.write(path, header.toByteArray());
  }

  private static byte[] numbers(String name, int count) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * count).order(ByteOrder.LITTLE_ENDIAN);
    for (int i = 0; i < count; i++) {
      bytes.putFloat(Math.floorMod(name.hashCode(), 1000) + i);
    }
    return bytes.array();
  }

  private static byte[] typed(Object value) {
    ByteArrayOutputStream out = new ByteArrayOutputStream();
    out.writeBytes(ints(type(value)));
    if (value instanceof List<?> list) {
      out.writeBytes(ints(type(list.get(0))));
      out.writeBytes(longs(list.size()));
      list.forEach(element -> out.writeBytes(bytes(element)));
    } else {
      out.writeBytes(bytes(value));
    }
    return out.toByteArray();
  }

  private static int type(Object value) {
    if (value instanceof List) {
      return 9;
    }
    if (value instanceof String) {
      return 8;
    }
    if (value instanceof Boolean) {
      return 7;
    }
    return value instanceof Float ? 6 : 5;
  }

  private static byte[] bytes(Object value) {
    if (value instanceof String text) {
      return text(text);
    }
    if (value instanceof Boolean flag) {
      return new byte[] {(byte) (flag ? 1 : 0)};
    }
    return value instanceof Float number ? ints(Float.floatToIntBits(number)) : ints((int) value);
  }

  private static byte[] text(String text) {
    byte[] utf8 = text.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + utf8.length)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(utf8.length)
        .put(utf8)
        .array();
  }

  private static byte[] ints(int... numbers) {
    ByteBuffer bytes = ByteBuffer.allocate(4 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    for (int number : numbers) {
      bytes.putInt(number);
    }
    return bytes.array();
  }

  private static byte[] longs(long... numbers) {
    ByteBuffer bytes = ByteBuffer.allocate(8 * numbers.length).order(ByteOrder.LITTLE_ENDIAN);
    for (long number : numbers) {
      bytes.putLong(number);
    }
    return bytes.array();
  }
}
