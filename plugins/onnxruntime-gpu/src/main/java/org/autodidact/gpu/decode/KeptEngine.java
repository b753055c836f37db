package org.autodidact.gpu.decode;

import java.util.Optional;

/**
 * The engine of the generator that was closed last, where it is kept for the next checkpoint of the
 * same architecture: its memory, graphs and captured steps. At most one in a process, used by one
 * generator at a time. Thread-safe.
 */
final class KeptEngine {
  private static Optional<DecoderEngine> kept = Optional.empty();

  private KeptEngine() {}

  /** Takes the kept engine where it is like another would be; one that is not is closed. */
  static synchronized Optional<DecoderEngine> take(DecoderEngine.Key key) {
    Optional<DecoderEngine> taken = kept;
    kept = Optional.empty();
    if (taken.isPresent() && !taken.get().key().equals(key)) {
      taken.get().close();
      return Optional.empty();
    }
    return taken;
  }

  /** Keeps an engine; the one kept before is closed. */
  static synchronized void keep(DecoderEngine engine) {
    kept.ifPresent(DecoderEngine::close);
    kept = Optional.of(engine);
  }

  /** Closes what is kept. */
  static synchronized void release() {
    kept.ifPresent(DecoderEngine::close);
    kept = Optional.empty();
  }
}
