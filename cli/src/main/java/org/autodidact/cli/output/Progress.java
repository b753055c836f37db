package org.autodidact.cli.output;

import java.util.List;
import java.util.Locale;
import org.autodidact.api.RunListener;
import org.autodidact.api.ShownText;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.cli.process.ShutdownWatchdog;
import org.autodidact.engine.text.EnumNames;

/**
 * Shows how far the work is, on standard error: on a terminal one line that is written over, with
 * rate and time left; elsewhere a plain line now and then.
 */
public final class Progress implements RunListener {
  private static final long PLAIN_EVERY_NANOS = 10_000_000_000L;
  private static final long TERMINAL_EVERY_NANOS = 100_000_000L;

  /** Set by the launcher, which can ask the system; Java 17 cannot. */
  private final boolean terminal = Boolean.getBoolean("autodidact.terminal");

  private String title = "";
  private int doneBefore;
  private long tokens;
  private long started;
  private long shown;
  private boolean due;

  @Override
  public void stageStarted(Stage stage, int done, int total) {
    begin(stage.model() + " " + EnumNames.of(stage.kind()).replace('-', ' '), done, total);
  }

  @Override
  public void progressed(Stage stage, int done, int total) {
    progressed(done, total);
  }

  @Override
  public void trained(Stage stage, TrainingMetrics metrics) {
    if (tokens == 0) {
      doneBefore = metrics.step() - 1; // a resumed training reports the steps that are left
    }
    tokens += metrics.tokens();
    StringBuilder more = new StringBuilder();
    for (String name : List.of("loss", "eval_loss", "rewards/accuracies", "kl")) {
      metrics
          .value(name)
          .ifPresent(v -> more.append(String.format(Locale.ROOT, ", %s %.4f", name, v)));
    }
    more.append(
        String.format(
            Locale.ROOT,
            ", %.0f tokens/s, peak %d MiB",
            tokens / ((System.nanoTime() - started) / 1e9),
            JsonReport.peakMegabytes()));
    if (metrics.value("eval_loss").isPresent()) {
      due = true; // comes seldom, so is never left out
    }
    progressed(metrics.step(), metrics.steps(), more.toString());
  }

  @Override
  public void stageFinished(Stage stage) {
    finish();
  }

  public void begin(String what, int done, int total) {
    begin(what, done == 0 ? total + " to do" : done + " of " + total + " are there already");
    doneBefore = done;
  }

  /** Begins work whose amount is known later. */
  public void begin(String what, String state) {
    ShutdownWatchdog.moved();
    title = what;
    tokens = 0;
    started = System.nanoTime();
    shown = started;
    show(state, true);
  }

  public void progressed(int done, int total) {
    progressed(done, total, "");
  }

  private void progressed(int done, int total, String more) {
    ShutdownWatchdog.moved();
    long now = System.nanoTime();
    if (!due && now - shown < (terminal ? TERMINAL_EVERY_NANOS : PLAIN_EVERY_NANOS)) {
      return;
    }
    shown = now;
    due = false;
    double rate = (done - doneBefore) / ((now - started) / 1e9);
    show(
        String.format(
            Locale.ROOT,
            "%d of %d, %.2f a second%s%s",
            done,
            total,
            rate,
            rate > 0 ? String.format(Locale.ROOT, ", %.0f s left", (total - done) / rate) : "",
            more),
        false);
  }

  public void finish() {
    show(String.format(Locale.ROOT, "done in %.1f s", (System.nanoTime() - started) / 1e9), true);
  }

  /** A warning of the drift limits, which may contain text of a judge or a plugin. */
  @Override
  public void warned(Stage stage, String what) {
    System.err.println((terminal ? "\r\u001b[K" : "") + "warning: " + ShownText.of(what));
  }

  private void show(String state, boolean whole) {
    String line = ShownText.of(title) + ": " + state;
    if (terminal) {
      System.err.print("\r\u001b[K" + line + (whole ? "\n" : ""));
    } else {
      System.err.println(line);
    }
    System.err.flush();
  }
}
