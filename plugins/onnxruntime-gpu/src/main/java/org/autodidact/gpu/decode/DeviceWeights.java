package org.autodidact.gpu.decode;

import java.lang.foreign.MemorySegment;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.Rope;
import org.autodidact.checkpoints.safetensors.DataType;
import org.autodidact.checkpoints.safetensors.Float16;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.gpu.graph.WeightLayout;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.memory.DeviceBuffer;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.IoBinding;
import org.autodidact.gpu.ort.MemoryInfo;
import org.autodidact.gpu.ort.OrtValue;

/**
 * A checkpoint's weights on a device, one block of memory. All graphs read them there; {@link
 * #load} puts another checkpoint of the same architecture in their place.
 */
final class DeviceWeights implements AutoCloseable {
  /** Tensors begin at multiples of this, as CUDA's own allocations do. */
  private static final long ALIGNMENT = 256;

  /** Numbers that a thread converts at a time. */
  private static final int CHUNK = 1 << 20;

  private final Device device;
  private final ElementType type;
  private final ModelConfig config;
  private final List<WeightLayout.Tensor> tensors;
  private final List<Long> offsets = new ArrayList<>();
  private final DeviceBuffer memory;
  private final List<OrtValue> values = new ArrayList<>();

  /** Allocates the memory; {@link #load} fills it. */
  DeviceWeights(Device device, MemoryInfo info, ModelConfig config, ElementType type) {
    this.device = device;
    this.type = type;
    this.config = config;
    this.tensors = new WeightLayout(config).tensors();
    long bytes = 0;
    for (WeightLayout.Tensor tensor : tensors) {
      offsets.add(bytes);
      bytes += aligned(tensor.elements() * type.bytes());
    }
    this.memory = device.allocate(bytes);
    try {
      for (int i = 0; i < tensors.size(); i++) {
        WeightLayout.Tensor tensor = tensors.get(i);
        values.add(
            OrtValue.over(
                info,
                memory.address() + offsets.get(i),
                tensor.elements() * type.bytes(),
                type,
                tensor.shape().stream().mapToLong(d -> d).toArray()));
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  private static long aligned(long bytes) {
    return (bytes + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT;
  }

  /**
   * Copies a checkpoint's weights to the device. Tensors that are stored in the device's type are
   * copied as they are; others are converted.
   */
  void load(ModelFolder model) {
    if (!model.config().equals(config)) {
      throw new IllegalArgumentException(model.path() + ": another architecture");
    }
    for (int i = 0; i < tensors.size(); i++) {
      WeightLayout.Tensor tensor = tensors.get(i);
      long offset = offsets.get(i);
      switch (tensor.kind()) {
        case ROWS -> {
          for (String part : tensor.parts()) {
            offset += copy(model, model.tensor(part), 0, offset);
          }
        }
        case GAIN ->
            copy(
                model,
                model.tensor(tensor.parts().get(0)),
                config.norm().gainsFromOne() ? 1 : 0,
                offset);
        case COSINES ->
            upload(Rope.cosines(config.headSize(), tensor.rope(), config.contextLength()), offset);
        case SINES ->
            upload(Rope.sines(config.headSize(), tensor.rope(), config.contextLength()), offset);
      }
    }
    device.synchronize();
  }

  /** Copies a tensor with a number added; returns its bytes on the device. */
  private long copy(ModelFolder model, TensorInfo tensor, float added, long offset) {
    ByteBuffer bytes = model.bytes(tensor);
    if (tensor.type() == fileType() && added == 0) {
      device.upload(MemorySegment.ofBuffer(bytes), memory, offset);
      return tensor.byteLength();
    }
    int elements = Math.toIntExact(tensor.elements());
    ByteBuffer converted = allocate(elements);
    IntStream.range(0, (elements + CHUNK - 1) / CHUNK)
        .parallel()
        .forEach(
            chunk -> {
              int from = chunk * CHUNK;
              float[] numbers =
                  ModelFolder.floats(tensor, bytes, from, Math.min(CHUNK, elements - from));
              for (int i = 0; added != 0 && i < numbers.length; i++) {
                numbers[i] += added;
              }
              put(numbers, converted, from);
            });
    upload(converted, offset);
    return (long) elements * type.bytes();
  }

  private DataType fileType() {
    return switch (type) {
      case BFLOAT16 -> DataType.BF16;
      case FLOAT16 -> DataType.F16;
      default -> DataType.F32;
    };
  }

  private ByteBuffer allocate(int elements) {
    return ByteBuffer.allocateDirect(elements * type.bytes()).order(ByteOrder.nativeOrder());
  }

  /** Writes numbers in the device's type, from the {@code from}th element on. */
  private void put(float[] numbers, ByteBuffer target, int from) {
    switch (type) {
      case BFLOAT16 -> {
        for (int i = 0; i < numbers.length; i++) {
          target.putShort(2 * (from + i), Float16.toBfloat16(numbers[i]));
        }
      }
      case FLOAT16 -> {
        for (int i = 0; i < numbers.length; i++) {
          target.putShort(2 * (from + i), Float16.toFloat16(numbers[i]));
        }
      }
      default -> target.asFloatBuffer().put(from, numbers);
    }
  }

  private void upload(float[] numbers, long offset) {
    ByteBuffer bytes = allocate(numbers.length);
    put(numbers, bytes, 0);
    upload(bytes, offset);
  }

  private void upload(ByteBuffer bytes, long offset) {
    device.upload(MemorySegment.ofBuffer(bytes), memory, offset);
    device.synchronize(); // the bytes are this call's
  }

  /** Binds all weights as inputs. */
  void bind(IoBinding binding) {
    for (int i = 0; i < tensors.size(); i++) {
      binding.input(tensors.get(i).name(), values.get(i));
    }
  }

  @Override
  public void close() {
    values.forEach(OrtValue::close);
    memory.close();
  }
}
