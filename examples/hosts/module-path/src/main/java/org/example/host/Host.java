package org.example.host;

import java.nio.file.Path;
import java.util.Map;
import org.autodidact.api.Checkpoint;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.config.RunConfig;

/** The README's snippet. */
public final class Host {
  /** Takes the configuration and the folder of the run. */
  public static void main(String[] arguments) {
    RunConfig config =
        ConfigFile.read(Path.of(arguments[0]), Map.of("judge.name", "expected-score"));
    Autodidact engine = Autodidact.builder().build();
    Checkpoint last = engine.run(config, Path.of(arguments[1]));
    System.out.println(last.name() + " is in " + last.folder());
  }

  private Host() {}
}
