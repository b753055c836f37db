package org.autodidact.examples;

import java.nio.file.Path;
import java.util.Map;
import org.autodidact.api.Checkpoint;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.RunConfig;

/** The README's embedding example. */
final class Embedding {
  public static void main(String[] arguments) {
    RunConfig config =
        ConfigFile.read(Path.of("examples/smollm2.yaml"), Map.of("judge.name", "expected-score"));
    Autodidact engine = Autodidact.builder().build();
    Checkpoint last = engine.run(config, Path.of("runs/embedded"));
    System.out.println(last.name() + " is in " + last.location());
  }

  private Embedding() {}
}
