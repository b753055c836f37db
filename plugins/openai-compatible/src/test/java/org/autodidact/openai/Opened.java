package org.autodidact.openai;

import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.HashMap;
import java.util.Map;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.PartOptions;
import org.autodidact.checkpoints.TinyModel;

/** Generators over a stub. */
final class Opened {
  private Opened() {}

  static Generator open(ServerKind kind, StubServer stub, String... options) {
    return open(kind, StubServer.MODEL, stub, options);
  }

  /**
   * @param options keys and values by turns
   */
  static Generator open(ServerKind kind, String model, StubServer stub, String... options) {
    return new RemoteProvider(kind).open(context(model, stub, options));
  }

  static String owner(ServerKind kind) {
    return kind == ServerKind.LLAMA_CPP ? "llamacpp" : kind.generatorName();
  }

  /** The stub as a server that was handed a small model, M1, by a command. */
  static Generator handed(ServerKind kind, StubServer stub, Path folder, String... options) {
    Path model = folder.resolve("M1");
    if (Files.notExists(model)) {
      TinyModel.write(model, 1);
    }
    stub.owner = owner(kind);
    return handed(kind, stub.url(), StubServer.MODEL, model, options);
  }

  /** A server that was handed a model's folder by a command. */
  static Generator handed(ServerKind kind, String url, String name, Path model, String... options) {
    Map<String, String> all = new HashMap<>(options(url, options));
    all.putAll(Map.of("model", name, "hand-over", "command", "hand-over-command", "true"));
    return new RemoteProvider(kind).open(context(new Checkpoint(name, model), all));
  }

  private static Map<String, String> options(String url, String... options) {
    Map<String, String> all = new HashMap<>(Map.of("url", url, "retries", "4"));
    for (int i = 0; i < options.length; i += 2) {
      all.put(options[i], options[i + 1]);
    }
    return all;
  }

  static GeneratorContext context(String model, StubServer stub, String... options) {
    return context(Checkpoint.reference("M0", model), options(stub.url(), options));
  }

  private static GeneratorContext context(Checkpoint model, Map<String, String> options) {
    return new GeneratorContext(
        model,
        ComputeSettings.automatic(),
        PartOptions.of(options),
        Clock.systemDefaultZone(),
        new Cancellation());
  }
}
