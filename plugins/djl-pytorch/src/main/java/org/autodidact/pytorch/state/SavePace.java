package org.autodidact.pytorch.state;

/**
 * When a training saves its state besides every {@code save-every} steps: as soon as saving takes
 * no more than a twentieth of the time since the last save. Times in nanoseconds.
 */
public final class SavePace {
  private static final long TRAINING_PER_SAVING = 20;

  /** Bytes a nanosecond, before the first save was timed: 500 MB a second. */
  private static final double ASSUMED_SPEED = 0.5;

  private long cost;
  private long last;

  /**
   * @param bytes size of a state
   * @param now the time
   */
  public SavePace(long bytes, long now) {
    cost = (long) (bytes / ASSUMED_SPEED);
    last = now;
  }

  public boolean isDue(long now) {
    return now - last >= TRAINING_PER_SAVING * cost;
  }

  public void saved(long from, long to) {
    cost = to - from;
    last = to;
  }
}
