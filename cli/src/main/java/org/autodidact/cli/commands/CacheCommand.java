package org.autodidact.cli.commands;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.Callable;
import org.autodidact.api.ShownText;
import org.autodidact.api.StorageException;
import org.autodidact.checkpoints.files.AtomicFolders;
import org.autodidact.checkpoints.files.CacheFolder;
import org.autodidact.checkpoints.files.CacheLimit;
import org.autodidact.checkpoints.files.KeptFiles;
import org.autodidact.checkpoints.natives.NativeLibraries;
import org.autodidact.cli.options.ImportCache;
import org.autodidact.cli.output.JsonReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "cache",
    description =
        "Shows what is kept to be used again: imported GGUF files, quantized weights, native libraries,"
            + " TensorRT's engines.",
    mixinStandardHelpOptions = true,
    subcommands = {
      CacheCommand.ListCommand.class,
      CacheCommand.Clean.class,
      CacheCommand.Limit.class
    })
public final class CacheCommand implements Callable<Integer> {
  private static final List<String> OTHERS = List.of(CacheFolder.NATIVES, CacheFolder.TENSORRT);

  @Override
  public Integer call() {
    return new ListCommand().call();
  }

  @Command(
      name = "list",
      description = "What is in it, used last first, and how much room it takes.",
      mixinStandardHelpOptions = true)
  static final class ListCommand implements Callable<Integer> {
    @Mixin private JsonReport report = new JsonReport();

    @Override
    public Integer call() {
      List<Map<String, Object>> all = new ArrayList<>();
      List<String> lines = new ArrayList<>();
      long total = 0;
      for (ImportCache.Entry entry : ImportCache.ofUser().entries()) {
        total += entry.bytes();
        add(all, lines, CacheFolder.IMPORTED, entry.folder(), entry.bytes(), entry.used());
        all.get(all.size() - 1).put("in_use", entry.inUse());
      }
      for (KeptFiles.Entry entry : KeptFiles.quantized().entries()) {
        total += entry.bytes();
        add(all, lines, CacheFolder.QUANTIZED, entry.file(), entry.bytes(), entry.used());
      }
      for (String kind : OTHERS) {
        for (Path path : AtomicFolders.entries(CacheFolder.of(kind))) {
          if (Files.isDirectory(path)) {
            try {
              long bytes = ImportCache.bytes(path);
              total += bytes;
              Instant used = Files.getLastModifiedTime(path).toInstant();
              add(all, lines, kind, path, bytes, used);
            } catch (IOException e) {
              throw new StorageException(path + ": cannot be read: " + e, e);
            }
          }
        }
      }
      lines.add(
          String.format(
              Locale.ROOT,
              "%.1f MB in %s; imported models may take %s GB, quantized weights half of that"
                  + " ('autodidact cache limit GB')",
              total / 1e6,
              ShownText.of(CacheFolder.root()),
              CacheLimit.gigabytes()));
      report
          .put("folder", CacheFolder.root().toString())
          .put("limit_gb", CacheLimit.gigabytes())
          .put("bytes", total)
          .put("entries", all)
          .print(String.join(System.lineSeparator(), lines));
      return 0;
    }

    private static void add(
        List<Map<String, Object>> all,
        List<String> lines,
        String kind,
        Path path,
        long bytes,
        Instant used) {
      Map<String, Object> entry = new LinkedHashMap<>();
      entry.put("kind", kind);
      entry.put("name", path.getFileName().toString());
      entry.put("bytes", bytes);
      entry.put("used", used.toString());
      all.add(entry);
      lines.add(
          String.format(
              Locale.ROOT,
              "%-9s %10.1f MB  %5d h ago  %s",
              kind,
              bytes / 1e6,
              Duration.between(used, Instant.now()).toHours(),
              ShownText.of(path.getFileName())));
    }
  }

  @Command(
      name = "clean",
      description =
          "Deletes imported models and TensorRT's engines that no process uses, quantized weights, and"
              + " native libraries; what is needed is made again.",
      mixinStandardHelpOptions = true)
  static final class Clean implements Callable<Integer> {
    @Option(
        names = "--natives",
        negatable = true,
        defaultValue = "true",
        fallbackValue = "true",
        description = "native libraries, too (default); --no-natives keeps them")
    private boolean natives = true;

    @Override
    public Integer call() {
      ImportCache imports = ImportCache.ofUser();
      long freed = imports.shrinkTo(0);
      imports.forget();
      KeptFiles quantized = KeptFiles.quantized();
      freed += quantized.shrinkTo(0);
      quantized.hashes().forget();
      try {
        freed += Files.isDirectory(engines()) ? ImportCache.bytes(engines()) : 0;
        AtomicFolders.deleteIfThere(engines());
      } catch (IOException e) {
        throw new StorageException(engines() + ": cannot be read: " + e, e);
      }
      if (natives) {
        freed += NativeLibraries.deleteAll();
      }
      System.out.printf(Locale.ROOT, "%.1f MB are free; what is in use stays%n", freed / 1e6);
      return 0;
    }

    private static Path engines() {
      return CacheFolder.of(CacheFolder.TENSORRT);
    }
  }

  @Command(
      name = "limit",
      description =
          "Says, or sets, how many GB imported models may take, and quantized weights half as many;"
              + " those used longest ago go first.",
      mixinStandardHelpOptions = true)
  static final class Limit implements Callable<Integer> {
    @Parameters(paramLabel = "GB", arity = "0..1", description = "the new limit; 20 by default")
    private Double gigabytes;

    @Override
    public Integer call() {
      if (gigabytes != null) {
        CacheLimit.set(gigabytes);
        ImportCache.ofUser().shrinkTo(CacheLimit.bytes());
        KeptFiles.quantized().shrinkTo(CacheLimit.quantizedBytes());
      }
      System.out.println(
          "imported models may take "
              + CacheLimit.gigabytes()
              + " GB, quantized weights half of that");
      return 0;
    }
  }
}
