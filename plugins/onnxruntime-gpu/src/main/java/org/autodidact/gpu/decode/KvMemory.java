package org.autodidact.gpu.decode;

import java.util.ArrayList;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.memory.DeviceBuffer;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.IoBinding;
import org.autodidact.gpu.ort.MemoryInfo;
import org.autodidact.gpu.ort.OrtValue;

/** A KV cache at fixed addresses: for each layer keys and values [slots, heads, capacity, size]. */
final class KvMemory implements AutoCloseable {
  private final Device device;
  private final ModelConfig config;
  private final int capacity;
  private final long rowBytes;
  private final long tensorBytes;
  private final DeviceBuffer memory;
  private final List<OrtValue> values = new ArrayList<>();

  /**
   * @param capacity tokens of a slot
   */
  KvMemory(
      Device device,
      MemoryInfo info,
      ModelConfig config,
      ElementType type,
      int slots,
      int capacity) {
    this.device = device;
    this.config = config;
    this.capacity = capacity;
    this.rowBytes = (long) config.headSize() * type.bytes();
    this.tensorBytes = (long) slots * config.keyValueHeads() * capacity * rowBytes;
    this.memory = device.allocate(2 * config.layers() * tensorBytes);
    try {
      for (int i = 0; i < 2 * config.layers(); i++) {
        values.add(
            OrtValue.over(
                info,
                memory.address() + i * tensorBytes,
                tensorBytes,
                type,
                slots,
                config.keyValueHeads(),
                capacity,
                config.headSize()));
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  /** Bytes of a token's keys and values. */
  static long bytesPerToken(ModelConfig config, ElementType type) {
    return 2L * config.layers() * config.keyValueHeads() * config.headSize() * type.bytes();
  }

  int capacity() {
    return capacity;
  }

  /** Binds the cache as input and output of a graph. */
  void bind(IoBinding binding) {
    for (int layer = 0; layer < config.layers(); layer++) {
      bind(binding, layer + ".key", values.get(2 * layer));
      bind(binding, layer + ".value", values.get(2 * layer + 1));
    }
  }

  private static void bind(IoBinding binding, String name, OrtValue value) {
    binding.input("past." + name, value);
    binding.output("present." + name, value);
  }

  /** Copies a slot's first tokens to a slot of another cache. */
  void copy(int slot, KvMemory target, int targetSlot, int tokens) {
    for (int i = 0; i < 2 * config.layers(); i++) {
      device.copy(
          rows(slot, i), target.rows(targetSlot, i), tokens * rowBytes, config.keyValueHeads());
    }
  }

  private Device.Rows rows(int slot, int tensor) {
    long pitch = capacity * rowBytes;
    return new Device.Rows(
        memory, tensor * tensorBytes + slot * config.keyValueHeads() * pitch, pitch);
  }

  @Override
  public void close() {
    values.forEach(OrtValue::close);
    memory.close();
  }
}
