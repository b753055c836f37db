package org.autodidact.openai;

import java.net.URI;
import java.nio.file.Path;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentHashMap;
import org.autodidact.openai.ServerOptions.HandOver;

/**
 * The weights that a server was given last by this process. A server has one model: where another
 * generator hands over another, the answers of an earlier one would silently be the other's.
 */
final class ServedWeights {
  private static final Map<URI, ServedWeights> LAST = new ConcurrentHashMap<>();

  private final URI server;
  private final Optional<Path> folder;

  private ServedWeights(URI server, Optional<Path> folder) {
    this.server = server;
    this.folder = folder;
  }

  /** Weights that were just handed over, or none that could be exchanged. */
  static ServedWeights of(URI server, Optional<Path> folder, HandOver handOver) {
    boolean isExchanged = handOver == HandOver.WEIGHTS || handOver == HandOver.COMMAND;
    ServedWeights weights = new ServedWeights(server, folder.filter(f -> isExchanged));
    if (weights.folder.isPresent()) {
      LAST.put(server, weights);
    }
    return weights;
  }

  /**
   * @throws IllegalStateException where the server has been given others since
   */
  void requireServed() {
    Optional<Path> last = Optional.ofNullable(LAST.get(server)).flatMap(w -> w.folder);
    if (last.isPresent() && !folder.equals(last)) {
      throw new IllegalStateException(
          server
              + " was given "
              + last.get()
              + folder
                  .map(f -> " since it was given " + f)
                  .orElse(", and is asked for another model")
              + ": one server has one model at a time; give the judge a server of its own");
    }
  }
}
