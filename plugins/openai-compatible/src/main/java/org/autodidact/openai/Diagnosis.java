package org.autodidact.openai;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.function.UnaryOperator;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.Secret;
import org.autodidact.openai.http.Address;
import org.autodidact.openai.http.Budget;
import org.autodidact.openai.http.Limits;
import org.autodidact.openai.http.Server;

/**
 * What {@code doctor} says about the server that OpenAI's own environment variables name: {@code
 * OPENAI_BASE_URL} and {@code OPENAI_API_KEY}.
 */
final class Diagnosis {
  private static final Duration TIMEOUT = Duration.ofSeconds(10);

  private final UnaryOperator<String> environment;

  Diagnosis(UnaryOperator<String> environment) {
    this.environment = environment;
  }

  private Optional<String> variable(String name) {
    return Optional.ofNullable(environment.apply(name)).filter(v -> !v.isBlank());
  }

  private Server server(String url) {
    return new Server(
        Address.parse(url),
        variable("OPENAI_API_KEY").map(Secret::new),
        new Limits(TIMEOUT, 0, Optional.empty()),
        new Budget(Optional.empty(), Optional.empty()));
  }

  /** The server and its models; nothing where no server is named. */
  List<String> server() {
    Optional<String> url = variable("OPENAI_BASE_URL");
    if (url.isEmpty()) {
      return List.of();
    }
    try {
      Server server = server(url.get());
      Models models = Models.of(server, new Cancellation());
      List<String> lines = new ArrayList<>();
      lines.add(
          server.address()
              + (models.names().isEmpty()
                  ? ": has no whole list of models"
                  : ": " + models.shown()));
      lines.add(
          models.kind() == ServerKind.OTHER
              ? "generator openai-compatible: texts alone"
              : "generator " + models.kind().generatorName() + ": " + abilities(models.kind()));
      if (!models.names().isEmpty()) {
        TokenRoute.of(models.kind(), server, true, models.names().get(0))
            .ifPresent(route -> lines.add(new Abilities(route).shown()));
      }
      return lines;
    } catch (AutodidactException e) {
      return List.of("OPENAI_BASE_URL: " + e.getMessage());
    }
  }

  /** Whether the server has a model. */
  List<String> model(Checkpoint model) {
    Optional<String> url = variable("OPENAI_BASE_URL");
    if (url.isEmpty() || !model.isReference()) {
      return List.of();
    }
    try {
      Server server = server(url.get());
      Models.of(server, new Cancellation()).require(model.location(), server);
      return List.of(server.address() + ": has " + model.location());
    } catch (AutodidactException e) {
      return List.of(e.getMessage());
    }
  }

  private static String abilities(ServerKind kind) {
    return String.join(
        ", ",
        kind.capabilities().stream()
            .map(c -> c.name().toLowerCase(java.util.Locale.ROOT).replace('_', '-'))
            .sorted()
            .toList());
  }
}
