package org.autodidact.engine.loop;

import java.util.function.Supplier;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Generator;

/** A model that is loaded when it is first needed, so that a resumed run loads none in vain. */
final class LazyModel implements AutoCloseable {
  private final Checkpoint checkpoint;
  private final Supplier<Generator> open;
  private final boolean owned;
  private Generator generator;

  LazyModel(Checkpoint checkpoint, Supplier<Generator> open) {
    this(checkpoint, open, true);
  }

  private LazyModel(Checkpoint checkpoint, Supplier<Generator> open, boolean owned) {
    this.checkpoint = checkpoint;
    this.open = open;
    this.owned = owned;
  }

  /** Another's model, which closing leaves open. */
  static LazyModel borrowed(LazyModel other) {
    return new LazyModel(other.checkpoint, other::generator, false);
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
      generator.close();
    }
  }
}
