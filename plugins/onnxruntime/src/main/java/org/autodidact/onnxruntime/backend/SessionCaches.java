package org.autodidact.onnxruntime.backend;

import java.util.function.Supplier;

/**
 * KV caches of a session.
 *
 * @param sequences decoding sequences, one a slot
 * @param groupPrefixes prompts that several candidates share, one a slot
 * @param templatePrefix the template's tokens, which all prompts of a call begin with; one slot
 * @param prefixWorkspace prompts with a common prefix are prefilled here one after another; one
 *     slot
 */
public record SessionCaches(
    KvCache sequences, KvCache groupPrefixes, KvCache templatePrefix, KvCache prefixWorkspace)
    implements AutoCloseable {
  public static SessionCaches of(Supplier<KvCache> cache) {
    return new SessionCaches(cache.get(), cache.get(), cache.get(), cache.get());
  }

  /** Frees the memory; the caches can be laid out again. */
  @Override
  public void close() {
    sequences.close();
    groupPrefixes.close();
    templatePrefix.close();
    prefixWorkspace.close();
  }
}
