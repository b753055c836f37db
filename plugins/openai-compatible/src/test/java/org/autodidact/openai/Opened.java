package org.autodidact.openai;

import java.time.Clock;
import java.util.HashMap;
import java.util.Map;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.PartOptions;

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

  static GeneratorContext context(String model, StubServer stub, String... options) {
    Map<String, String> all = new HashMap<>(Map.of("url", stub.url(), "retries", "4"));
    for (int i = 0; i < options.length; i += 2) {
      all.put(options[i], options[i + 1]);
    }
    return new GeneratorContext(
        Checkpoint.reference("M0", model),
        ComputeSettings.automatic(),
        PartOptions.of(all),
        Clock.systemDefaultZone(),
        new Cancellation());
  }
}
