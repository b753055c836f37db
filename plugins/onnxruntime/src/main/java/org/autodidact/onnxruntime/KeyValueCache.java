package org.autodidact.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.checkpoints.ModelConfig;

/**
 * Keys and values of all rows, a buffer for each layer's keys and one for its values, each [rows,
 * key-value heads, places, head size]. A session reads and writes it in place. The memory is kept
 * and laid out anew from call to call; it grows where a call needs more.
 */
final class KeyValueCache implements AutoCloseable {
  private final ModelConfig config;
  private final List<NativeBuffer> buffers = new ArrayList<>();
  private int rows;
  private int places;

  KeyValueCache(ModelConfig config) {
    this.config = config;
  }

  /** Bytes that one token of one row takes in all layers. */
  static long bytesPerPlace(ModelConfig config) {
    return 2L * config.layers() * config.keyValueHeads() * config.headSize() * Float.BYTES;
  }

  /** Lays the cache out as {@code rows} × {@code places}; what it held is lost. */
  void layOut(int rows, int places) {
    this.rows = rows;
    this.places = places;
    long floats = rows * rowFloats();
    if (buffers.isEmpty() || buffers.get(0).capacity() < floats) {
      close();
      for (int i = 0; i < 2 * config.layers(); i++) {
        buffers.add(NativeBuffer.ofFloats(floats));
      }
    }
  }

  int places() {
    return places;
  }

  int rows() {
    return rows;
  }

  private long rowFloats() {
    return (long) config.keyValueHeads() * places * config.headSize();
  }

  /** Rows {@code first} to {@code first + count} as tensors by input name, owned by the caller. */
  Map<String, OnnxTensor> bind(OrtEnvironment environment, int first, int count)
      throws OrtException {
    long[] shape = {count, config.keyValueHeads(), places, config.headSize()};
    Map<String, OnnxTensor> tensors = new LinkedHashMap<>();
    for (int i = 0; i < buffers.size(); i++) {
      String name = i / 2 + (i % 2 == 0 ? ".key" : ".value");
      tensors.put(
          name,
          OnnxTensor.createTensor(
              environment, buffers.get(i).floats(first * rowFloats(), count * rowFloats()), shape));
    }
    return tensors;
  }

  /** Copies the first {@code length} places of a row to another row. */
  void copyRow(int from, int to, int length) {
    long head = (long) places * config.headSize();
    long floats = (long) length * config.headSize();
    for (NativeBuffer buffer : buffers) {
      for (int h = 0; h < config.keyValueHeads(); h++) {
        buffer.copy(from * rowFloats() + h * head, to * rowFloats() + h * head, floats);
      }
    }
  }

  @Override
  public void close() {
    buffers.forEach(NativeBuffer::close);
    buffers.clear();
  }
}
