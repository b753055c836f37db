package org.autodidact.gpu.decode;

import java.util.ArrayList;
import java.util.List;
import java.util.function.BiConsumer;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.gpu.memory.Device;
import org.autodidact.gpu.memory.DeviceBuffer;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.IoBinding;
import org.autodidact.gpu.ort.OrtValue;

/** A KV cache at fixed addresses: for each layer keys and values [slots, heads, capacity, size]. */
final class KvMemory implements AutoCloseable {
  private final Device device;
  private final ModelConfig config;
  private final int capacity;
  private final long rowBytes;
  private final long tensorBytes;
  private final DeviceBuffer memory;
  private final boolean ownsMemory;
  private final List<OrtValue> values = new ArrayList<>();

  /**
   * A cache with memory of its own.
   *
   * @param capacity tokens of a slot
   */
  KvMemory(DecoderEngine engine, int slots, int capacity) {
    this(
        engine,
        slots,
        capacity,
        engine.device().allocate(bytes(engine.config(), engine.type(), slots, capacity)),
        true);
  }

  /** A cache in memory that is another's, which must outlive it. */
  KvMemory(DecoderEngine engine, int slots, int capacity, DeviceBuffer memory) {
    this(engine, slots, capacity, memory, false);
  }

  private KvMemory(
      DecoderEngine engine, int slots, int capacity, DeviceBuffer memory, boolean ownsMemory) {
    this.device = engine.device();
    this.config = engine.config();
    this.capacity = capacity;
    this.memory = memory;
    this.ownsMemory = ownsMemory;
    this.rowBytes = (long) config.headSize() * engine.type().bytes();
    this.tensorBytes = (long) slots * config.keyValueHeads() * capacity * rowBytes;
    try {
      for (int i = 0; i < 2 * config.layers(); i++) {
        values.add(
            OrtValue.over(
                engine.memory(),
                memory.address() + i * tensorBytes,
                tensorBytes,
                engine.type(),
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

  /** Bytes of a cache. */
  static long bytes(ModelConfig config, ElementType type, int slots, int capacity) {
    return bytesPerToken(config, type) * slots * capacity;
  }

  /** Bytes of a token's keys and values. */
  static long bytesPerToken(ModelConfig config, ElementType type) {
    return 2L * config.layers() * config.keyValueHeads() * config.headSize() * type.bytes();
  }

  /** Makes all numbers zero. */
  void zero() {
    device.zero(memory);
  }

  int capacity() {
    return capacity;
  }

  /** Binds the cache as input and output of a graph. */
  void bind(IoBinding binding) {
    bind(binding::input, "past.");
    bindOutputs(binding, "present.");
  }

  /** Binds the cache as inputs. */
  void bindInputs(IoBinding binding, String prefix) {
    bind(binding::input, prefix);
  }

  /** Binds the cache as what a graph writes. */
  void bindOutputs(IoBinding binding, String prefix) {
    bind(binding::output, prefix);
  }

  private void bind(BiConsumer<String, OrtValue> to, String prefix) {
    for (int layer = 0; layer < config.layers(); layer++) {
      to.accept(prefix + layer + ".key", values.get(2 * layer));
      to.accept(prefix + layer + ".value", values.get(2 * layer + 1));
    }
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
    if (ownsMemory) {
      memory.close();
    }
  }
}
