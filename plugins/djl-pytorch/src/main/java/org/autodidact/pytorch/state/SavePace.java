package org.autodidact.pytorch.state;

/**
 * When a training saves its state besides every so many steps: once saving takes no more than a
 * twentieth of the time since the last save. In nanoseconds.
 */
public final class SavePace {
  private static final long WORK_PER_SAVING = 20;

  /** Bytes a nanosecond, before a save was timed: 500 MB a second. */
  private static final double ASSUMED_SPEED = 0.5;

  private long cost;
  private long last;

  /**
   * @param bytes of a state
   * @param now the time
   */
  public SavePace(long bytes, long now) {
    cost = (long) (bytes / ASSUMED_SPEED);
    last = now;
  }

  public boolean isDue(long now) {
    return now - last >= WORK_PER_SAVING * cost;
  }

  public void saved(long from, long to) {
    cost = to - from;
    last = to;
  }
}
