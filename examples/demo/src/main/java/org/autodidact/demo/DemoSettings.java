package org.autodidact.demo;

/**
 * How large the demo is.
 *
 * @param seed everything random is drawn from it
 * @param iterations how often the model teaches itself
 * @param iftExamples noisy answers that M1 learns from
 * @param eftExamples graded answers that M1 learns from
 * @param prompts tasks an iteration
 * @param heldOut tasks that an iterate is verified on
 * @param judge the judge's name: {@code additive}, or {@code random} or {@code oracle} as controls
 * @param positiveOnly fine-tune on the best answers instead of preferring them to the worst
 */
public record DemoSettings(
    long seed,
    int iterations,
    int iftExamples,
    int eftExamples,
    int prompts,
    int heldOut,
    String judge,
    boolean positiveOnly) {

  /** The settings of {@code autodidact demo}. */
  public static DemoSettings standard(long seed, String judge, boolean positiveOnly) {
    return new DemoSettings(seed, 2, 1500, 4000, 1200, 500, judge, positiveOnly);
  }
}
