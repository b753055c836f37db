package org.autodidact.cli.output;

import java.util.List;
import java.util.Optional;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.Scorer;

/** A generator that counts the tokens it writes. */
public final class TokenCountingGenerator implements Generator {
  private final Generator generator;
  private long tokens;

  public TokenCountingGenerator(Generator generator) {
    this.generator = generator;
  }

  public long tokens() {
    return tokens;
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    generator.generate(
        requests,
        generation -> {
          tokens += generation.candidates().stream().mapToLong(c -> c.tokenCount().orElse(0)).sum();
          results.accept(generation);
        },
        cancellation);
  }

  @Override
  public Optional<Scorer> scorer() {
    return generator.scorer();
  }

  @Override
  public void close() {
    generator.close();
  }
}
