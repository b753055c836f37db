package org.autodidact.cli.commands;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.concurrent.Callable;
import java.util.function.Supplier;
import java.util.stream.Collectors;
import java.util.stream.Stream;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Plugin;
import org.autodidact.api.ShownText;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.cli.options.ModelOptions;
import org.autodidact.engine.plugins.Plugins;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;

@Command(
    name = "doctor",
    description =
        "Says what this machine can do: processor, memory, natives, and whether a model fits.",
    mixinStandardHelpOptions = true)
public final class DoctorCommand implements Callable<Integer> {
  /** Processor features that decide which kernels are fast. */
  private static final List<String> FEATURES =
      List.of("avx2", "avx512f", "avx512_vnni", "avx_vnni", "avx512_bf16", "amx_int8");

  /** Characters of a line of a plugin. */
  private static final int WIDTH = 400;

  @Option(
      names = "--model",
      paramLabel = "M",
      description = "a model to check: whether it fits, and what each back end lacks for it")
  private Path model;

  @Override
  public Integer call() {
    System.out.println(
        "Java         "
            + System.getProperty("java.version")
            + ", "
            + System.getProperty("os.name")
            + " "
            + System.getProperty("os.arch"));
    System.out.println(
        "Processor    "
            + Runtime.getRuntime().availableProcessors()
            + " cores; features: "
            + features());
    System.out.println(
        "Memory       "
            + total("MemTotal")
            + " MiB, available "
            + total("MemAvailable")
            + " MiB; heap at most "
            + (Runtime.getRuntime().maxMemory() >> 20)
            + " MiB");
    Plugins plugins = Plugins.discover(List.of());
    for (Plugin plugin : plugins.all()) {
      print(plugin, plugin::diagnose);
    }
    for (Plugins.Broken broken : plugins.broken()) {
      System.out.println(
          padded("broken") + ShownText.of(broken.where() + ": " + broken.why(), WIDTH));
    }
    if (model != null) {
      Checkpoint checkpoint = ModelOptions.checkpoint(model);
      fit(checkpoint.folder());
      for (Plugin plugin : plugins.all()) {
        print(plugin, () -> plugin.diagnose(checkpoint));
      }
    }
    return 0;
  }

  private static String padded(String name) {
    return String.format(Locale.ROOT, "%-12s ", ShownText.of(name));
  }

  /** What a plugin says of itself; one that must not throw may. */
  private static void print(Plugin plugin, Supplier<List<String>> diagnosis) {
    List<String> lines;
    try {
      lines = diagnosis.get();
    } catch (RuntimeException | LinkageError e) {
      lines = List.of("cannot say how it is: " + e);
    }
    lines.forEach(line -> System.out.println(padded(plugin.name()) + ShownText.of(line, WIDTH)));
  }

  private static void fit(Path model) {
    try (ModelFolder folder = ModelFolder.open(model)) {
      ModelConfig config = folder.config();
      long parameters = folder.tensors().values().stream().mapToLong(TensorInfo::elements).sum();
      System.out.printf(
          Locale.ROOT,
          "Model        %s, %d M parameters, context %d%n",
          config.modelType(),
          parameters / 1_000_000,
          config.contextLength());
    }
  }

  private static String features() {
    try (Stream<String> lines = Files.lines(Path.of("/proc/cpuinfo"))) {
      List<String> flags =
          lines
              .filter(l -> l.startsWith("flags"))
              .findFirst()
              .map(l -> List.of(l.split("\\s+", -1)))
              .orElse(List.of());
      return FEATURES.stream().filter(flags::contains).collect(Collectors.joining(" "));
    } catch (IOException e) {
      return "unknown on this system";
    }
  }

  /** MiB by a name of /proc/meminfo; -1 elsewhere. */
  private static long total(String name) {
    try (Stream<String> lines = Files.lines(Path.of("/proc/meminfo"))) {
      return lines
          .filter(l -> l.startsWith(name + ":"))
          .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")) / 1024)
          .findFirst()
          .orElse(-1);
    } catch (IOException e) {
      return -1;
    }
  }
}
