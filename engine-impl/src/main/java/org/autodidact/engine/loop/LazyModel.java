package org.autodidact.engine.loop;

import java.util.function.Consumer;
import java.util.function.Supplier;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Generator;
import org.autodidact.api.Usage;

/** A model that is loaded when it is first needed, so that a resumed run loads none in vain. */
final class LazyModel implements AutoCloseable {
  private final Checkpoint checkpoint;
  private final Supplier<Generator> open;
  private final Consumer<Usage> used;
  private final boolean owned;
  private Generator generator;

  /**
   * @param used is told, when it is closed, what it asked of a server
   */
  LazyModel(Checkpoint checkpoint, Supplier<Generator> open, Consumer<Usage> used) {
    this(checkpoint, open, used, true);
  }

  private LazyModel(
      Checkpoint checkpoint, Supplier<Generator> open, Consumer<Usage> used, boolean owned) {
    this.checkpoint = checkpoint;
    this.open = open;
    this.used = used;
    this.owned = owned;
  }

  /** Another's model, which closing leaves open. */
  static LazyModel borrowed(LazyModel other) {
    return new LazyModel(other.checkpoint, other::generator, usage -> {}, false);
  }

  Checkpoint checkpoint() {
    return checkpoint;
  }

  Generator generator() {
    if (generator == null) {
      generator = open.get();
    }
    return generator;
  }

  @Override
  public void close() {
    if (owned && generator != null) {
      try {
        used.accept(generator.usage());
      } finally {
        generator.close();
      }
    }
  }
}
