package org.autodidact.demo.recipe;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingSettings;
import org.autodidact.engine.plugins.Plugins;

/**
 * How the shipped model was made. Arguments: output folder, steps. Killed and started again, it
 * goes on from its last saved state.
 */
public final class Pretrain {
  private static final int BATCH = 192;
  private static final long SEED = 1;

  private Pretrain() {}

  public static void main(String[] arguments) {
    Path output = Path.of(arguments[0]).toAbsolutePath();
    int steps = Integer.parseInt(arguments[1]);
    Path unread = output.resolveSibling(output.getFileName() + ".unread");
    if (!java.nio.file.Files.exists(unread)) {
      SmallModel.write(unread, SEED);
    }
    Texts texts = new Texts(SEED);
    List<TrainingExample> readings = new ArrayList<>();
    for (int i = 0; i < steps * BATCH; i++) {
      readings.add(texts.reading());
    }
    TrainingSettings settings =
        TrainingSettings.sft().toBuilder()
            .learningRate(3e-3, 1e-5)
            .warmupSteps(100)
            .batchSize(BATCH)
            .maxLength(128)
            .weightDecay(0.01)
            .shuffle(false)
            .saveEvery(200)
            .build();
    Plugins.discover(List.of())
        .trainer("djl-pytorch")
        .create(ComputeSettings.automatic())
        .train(
            new TrainingRequest(
                new Checkpoint("unread", unread),
                readings,
                List.of(),
                settings,
                SEED,
                new Checkpoint("M0", output),
                output.resolveSibling(output.getFileName() + ".state")),
            m -> {
              if (m.step() % 20 == 0) {
                System.out.printf(
                    Locale.ROOT,
                    "step %d of %d, loss %.4f%n",
                    m.step(),
                    m.steps(),
                    m.value("loss").orElseThrow());
              }
            },
            new Cancellation());
  }
}
