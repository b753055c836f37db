package org.autodidact.engine.loop;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.PluginFailedException;
import org.autodidact.api.PromptSource;
import org.autodidact.api.RunListener;
import org.autodidact.api.RunListener.Stage;
import org.autodidact.engine.config.RunConfig;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.seeds.Seeds;
import org.autodidact.engine.store.RunStore;
import org.autodidact.engine.text.EnumNames;

/**
 * The context of all stages of a run, and the frame in which a stage runs: between its events, and
 * only what the store does not have yet.
 *
 * <p>A stage stores every result as it comes; run again, it answers from the store. Seeds belong to
 * indices in the run, not to the order of work, so that a resumed run samples what the
 * uninterrupted one would have sampled.
 */
public record StageRunner(
    RunConfig config,
    Plugins plugins,
    RunStore store,
    Optional<PromptSource> promptSource,
    RunListener listener,
    Cancellation cancellation) {
  private static final System.Logger LOGGER = System.getLogger(StageRunner.class.getName());

  /**
   * Runs what is left of a stage, unless it is finished.
   *
   * @param done items that are stored already
   * @param work does the others, and runs its argument after each
   */
  void run(Stage stage, int done, int total, Consumer<Runnable> work) {
    if (isFinished(stage)) {
      return;
    }
    cancellation.throwIfCancelled();
    long start = System.nanoTime();
    LOGGER.log(System.Logger.Level.DEBUG, "{0}: {1} of {2} done", name(stage), done, total);
    listener.stageStarted(stage, done, total);
    int[] count = {done};
    if (done < total) {
      try {
        work.accept(() -> listener.progressed(stage, ++count[0], total));
      } catch (PluginFailedException e) {
        throw e.in(name(stage));
      }
    }
    store.finish(name(stage), seconds(start));
    listener.stageFinished(stage);
  }

  boolean isFinished(Stage stage) {
    return store.isFinished(name(stage));
  }

  /** The name of a stage in the store and in errors, for example {@code M1/judgements}. */
  static String name(Stage stage) {
    return stage.model() + "/" + EnumNames.of(stage.kind());
  }

  static double seconds(long start) {
    return (System.nanoTime() - start) / 1e9;
  }

  /** A finished model of the run. */
  Checkpoint checkpoint(String name) {
    return store.model(name).orElseThrow();
  }

  /** The seeds of {@code count} parts below {@code path}. */
  List<Long> seeds(int count, long... path) {
    return Seeds.list(count, config.seed(), path);
  }
}
