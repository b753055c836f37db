package org.autodidact.external;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Duration;
import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.InvalidExampleException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;
import org.autodidact.api.StorageException;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingExample.Demonstration;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.checkpoints.files.AtomicFolders;
import org.autodidact.checkpoints.files.FolderLock;

/**
 * Lets a command train: it is started in the state folder, which holds the request, says each step
 * by a line on its standard output and leaves the model in {@code output} of the folder. What it
 * prints goes to a file, so that nothing is lost and nothing waits where this process dies.
 */
final class ExternalTrainer implements Trainer {
  private static final Duration POLL = Duration.ofMillis(20);
  private static final int SHOWN = 100;

  private final ExternalOptions options;
  private final ComputeSettings compute;
  private final Clock clock;
  private final Optional<RowTemplate> template;

  ExternalTrainer(ExternalOptions options, ComputeSettings compute, Clock clock) {
    this.options = options;
    this.compute = compute;
    this.clock = clock;
    this.template = options.rowTemplate().map(file -> RowTemplate.read(file, clock));
  }

  @Override
  public TrainingResult train(
      TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation) {
    check(request);
    cancellation.throwIfCancelled();
    Path output = request.output().folder();
    Path folder = request.stateFolder();
    RequestFiles files = RequestFiles.of(request, compute, clock, template);
    if (Files.exists(output)) {
      TrainingResult result =
          FinishedOutput.result(request, files.digest()).orElseThrow(() -> exists(output));
      AtomicFolders.deleteIfThere(folder);
      return result;
    }
    FolderLock lock = FolderLock.take(folder, "lock", "training");
    try {
      boolean resumed = files.writeTo(folder);
      AtomicFolders.deleteIfThere(folder.resolve(RequestFiles.OUTPUT));
      Report report = Report.of(request, folder);
      run(folder, resumed, report, metrics, cancellation);
      TrainingResult result = report.result();
      FinishedOutput.take(request, files.digest(), result);
      AtomicFolders.deleteIfThere(folder);
      return result;
    } catch (IOException e) {
      throw StorageException.of(folder + ": the training's folder cannot be used: " + e, e);
    } finally {
      lock.close();
    }
  }

  private void check(TrainingRequest request) {
    Loss loss = request.settings().loss();
    if (!options.capabilities().losses().contains(loss)) {
      throw new InvalidInputException(
          "the command knows the losses "
              + options.losses()
              + ", found "
              + loss
              + "; if it knows it, say so by the option 'losses'");
    }
    if (request.examples().isEmpty()) {
      throw new InvalidInputException("there is no example to train on; give at least one");
    }
    checkKind(request.examples(), false, loss);
    checkKind(request.heldOut(), true, loss);
  }

  private static void checkKind(List<TrainingExample> examples, boolean heldOut, Loss loss) {
    boolean sft = loss.equals(Loss.SFT);
    for (int i = 0; i < examples.size(); i++) {
      if (examples.get(i) instanceof Demonstration != sft) {
        throw new InvalidExampleException(
            heldOut,
            i,
            "the loss "
                + loss
                + " needs "
                + (sft ? "demonstrations" : "preferences")
                + ", found a "
                + examples.get(i).getClass().getSimpleName());
      }
    }
  }

  private static InvalidInputException exists(Path output) {
    return new InvalidInputException(
        output
            + ": exists already and comes from something else; name another folder or delete it");
  }

  /** Starts the command and hands over what it reports until it ends. */
  private void run(
      Path folder,
      boolean resumed,
      Report report,
      Consumer<TrainingMetrics> metrics,
      Cancellation cancellation)
      throws IOException {
    Log log = new Log(folder.resolve(RequestFiles.LOG));
    try (CommandProcess process =
            CommandProcess.start(options.words(), folder, resumed, cancellation);
        Lines lines = new Lines(folder.resolve(RequestFiles.STANDARD_OUTPUT))) {
      boolean alive = true;
      while (alive) {
        alive = process.isAlive();
        for (Optional<Lines.Line> line = lines.next(!alive);
            line.isPresent();
            line = lines.next(!alive)) {
          boolean before = line.get().end() <= process.outputBefore();
          Optional<TrainingMetrics> step = Optional.empty();
          if (before) {
            step = report.readEarlier(line.get().text());
          } else if (report.isReport(line.get().text())) {
            step = report.read(line.get().text());
          } else {
            log.append(line.get().text());
          }
          if (step.isPresent()) {
            cancellation.throwIfCancelled();
            report.keep(step.get());
            metrics.accept(step.get());
          }
        }
        if (alive && cancellation.await(POLL)) {
          throw new CancelledException();
        }
      }
      cancellation.throwIfCancelled();
      int status = process.status();
      if (status != 0) {
        throw new AutodidactException(
            shown()
                + (status > 128
                    ? " was killed by signal " + (status - 128)
                    : " ended with exit code " + status)
                + " after step "
                + report.steps()
                + ": "
                + ShownText.of(log.end(), SHOWN)
                + "; all of it is in "
                + log.file().getFileName()
                + " of the state folder");
      }
      report.requireWhole(shown());
    }
  }

  private String shown() {
    return "the command '" + ShownText.of(options.command(), 60) + "'";
  }
}
