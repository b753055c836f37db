package org.autodidact.onnxruntime.backend;

/**
 * KV cache of some slots, one sequence each: keys and values of its tokens in all layers. The
 * memory is kept from call to call; it grows where a call needs more. Not thread-safe.
 */
public interface KvCache extends AutoCloseable {

  /** Lays the cache out as {@code slots} × {@code capacity} tokens; its contents are lost. */
  void layOut(int slots, int capacity);

  int slots();

  /** Tokens that a slot has room for. */
  int capacity();

  /** Copies {@code length} tokens of a slot, from the {@code from}th, to the start of a slot. */
  void copySlot(int slot, int from, KvCache target, int targetSlot, int length);

  /** Copies the first {@code length} tokens of a slot to a slot of another cache or of this one. */
  default void copySlot(int slot, KvCache target, int targetSlot, int length) {
    copySlot(slot, 0, target, targetSlot, length);
  }

  /**
   * Changes the capacity of each slot; the first {@code used} slots keep their tokens, as far as
   * they fit. There must be memory for all slots.
   */
  void setCapacity(int newCapacity, int used);

  @Override
  void close();
}
