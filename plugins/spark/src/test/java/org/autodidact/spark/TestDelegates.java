package org.autodidact.spark;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Plugin;
import org.autodidact.api.Scorer;
import org.autodidact.api.Setting;
import org.autodidact.api.Usage;
import org.autodidact.onnxruntime.OnnxRuntimePlugin;

/** Generators over ONNX Runtime's that meet what executors meet; found there as any plugin is. */
public final class TestDelegates implements Plugin {
  /** How long an executor waits that is not killed. */
  private static final int WAIT_SECONDS = 60;

  private static final GeneratorProvider ONNX = new OnnxRuntimePlugin().generators().get(0);

  @Override
  public String name() {
    return "test-delegates";
  }

  /** Another one on executors that were started with another property. */
  @Override
  public String version() {
    return System.getProperty("test.version", "1");
  }

  /**
   * The options.
   *
   * @param marker a file that the first of all executors writes its process id into
   */
  public record Options(@Setting("a file") Path marker) {}

  /** What happens where an executor generates. */
  @FunctionalInterface
  private interface Event {
    void happen(Path marker, List<GenerationRequest> requests);
  }

  /** Executors that were started with another property have the first alone. */
  @Override
  public List<GeneratorProvider> generators() {
    List<GeneratorProvider> all =
        List.of(
            new Provider("refuses", TestDelegates::refuse),
            new Provider("waits-once", TestDelegates::waitOnce),
            new Provider("waits-at-one", TestDelegates::waitAtOne),
            new Provider(
                "exhausted",
                (marker, requests) -> {
                  throw new OutOfMemoryError("Java heap space");
                }),
            new Provider("halts", (marker, requests) -> Runtime.getRuntime().halt(3)),
            new Provider(
                "faulty",
                (marker, requests) -> {
                  throw new IllegalStateException("a fault");
                }));
    return version().equals("1") ? all : all.subList(0, 1);
  }

  /** The first of all executors writes who it is, and waits to be killed. */
  private static void waitOnce(Path marker, List<GenerationRequest> requests) {
    try {
      Path part = marker.resolveSibling(marker.getFileName() + "." + ProcessHandle.current().pid());
      Files.createFile(marker.resolveSibling(marker.getFileName() + ".taken"));
      Files.writeString(part, Long.toString(ProcessHandle.current().pid()));
      Files.move(part, marker);
      Thread.sleep(WAIT_SECONDS * 1000);
    } catch (FileAlreadyExistsException e) {
      return; // another executor was the first
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
  }

  /** The first process that comes to one prompt waits to be killed. */
  private static void waitAtOne(Path marker, List<GenerationRequest> requests) {
    if (requests.stream().anyMatch(r -> r.prompt().id().equals("p20"))) {
      waitOnce(marker, requests);
    }
  }

  private static void refuse(Path marker, List<GenerationRequest> requests) {
    if (requests.stream().anyMatch(r -> r.prompt().id().equals("p5"))) {
      throw new InvalidInputException("prompt 'p5' does not fit");
    }
  }

  private record Provider(String name, Event event) implements GeneratorProvider {
    @Override
    public Class<? extends Record> optionsType() {
      return Options.class;
    }

    @Override
    public Set<GeneratorCapability> capabilities() {
      return ONNX.capabilities();
    }

    @Override
    public Generator open(GeneratorContext context) {
      Path marker = context.options().read(Options.class).marker();
      Generator generator =
          ONNX.open(
              new GeneratorContext(
                  context.checkpoint(),
                  context.compute(),
                  PartOptions.none(),
                  context.clock(),
                  context.cancellation()));
      return new Generator() {
        private Usage usage = Usage.NONE;

        @Override
        public void generate(
            List<GenerationRequest> requests,
            Consumer<Generation> results,
            Cancellation cancellation) {
          usage = usage.plus(new Usage(requests.size(), 2, 3)); // as if a server were asked
          event.happen(marker, requests);
          generator.generate(requests, results, cancellation);
        }

        @Override
        public Usage usage() {
          return usage;
        }

        @Override
        public Optional<Scorer> scorer() {
          return generator.scorer();
        }

        @Override
        public void close() {
          generator.close();
        }
      };
    }
  }
}
