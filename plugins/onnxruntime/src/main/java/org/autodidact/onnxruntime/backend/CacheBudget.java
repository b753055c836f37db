package org.autodidact.onnxruntime.backend;

import org.autodidact.api.ComputeSettings;
import org.autodidact.api.InvalidInputException;

/**
 * How many slots of KV cache the memory budget holds.
 *
 * @param bytes what the settings ask for, or {@link #DEFAULT_BYTES}
 */
public record CacheBudget(DecoderBackend backend, long bytes) {
  public static final long DEFAULT_BYTES = 2L << 30;

  /** Bytes of KV cache that the settings ask for, else {@code defaultBytes}. */
  public static long requested(ComputeSettings settings, long defaultBytes) {
    return settings.memoryMegabytes() > 0 ? (long) settings.memoryMegabytes() << 20 : defaultBytes;
  }

  /** Slots of {@code tokens} that one of {@code sessions}, which share the budget, can have. */
  public int slots(int tokens, int sessions) {
    return slots(tokens, 0, 1, sessions);
  }

  /** Slots of {@code tokens} where every {@code groupSize} slots share a prompt of their own. */
  public int slots(int tokens, int prompt, int groupSize, int sessions) {
    long perToken = backend.bytesPerToken();
    if (!affords(tokens + prompt, sessions)) {
      throw new InvalidInputException(
          "one sequence of "
              + (tokens + prompt)
              + " tokens needs "
              + ((perToken * (tokens + prompt) >> 20) + 1)
              + " MiB of cache, the budget is "
              + (limit() >> 20)
              + " MiB; raise --memory"
              + (backend.maxCacheBytes() <= limit() ? " and the JVM's heap (-Xmx)" : "")
              + ", or shorten the prompt or --max-tokens");
    }
    // The last group may be incomplete, so that there is one group more than whole ones.
    long perSlot = perToken * tokens + perToken * prompt / groupSize;
    long slots = (limit() / sessions - perToken * prompt) / perSlot;
    return (int) Math.min(backend.maxSlots(sessions), Math.max(1, slots));
  }

  /** Whether each of {@code sessions} can have a slot of {@code tokens}. */
  public boolean affords(int tokens, int sessions) {
    return backend.bytesPerToken() * tokens * sessions <= limit();
  }

  private long limit() {
    return Math.min(bytes, backend.maxCacheBytes());
  }
}
