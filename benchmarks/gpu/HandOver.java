import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.engine.Autodidact;

/**
 * Times what stands between two iterates where graphs are kept: opening a generator and its first
 * tokens, then closing it and opening the next checkpoint of the same architecture, and its first
 * tokens. Prints one JSON line. The checkpoint is the same each time, and so must be the tokens.
 *
 * <p>Arguments: model folder, precision, device, repeats.
 */
public final class HandOver {
  private HandOver() {}

  public static void main(String[] arguments) {
    GeneratorContext context =
        new GeneratorContext(
            new Checkpoint("M0", Path.of(arguments[0])),
            new ComputeSettings(
                new ComputeSettings.Precision(arguments[1]),
                0,
                0,
                ComputeSettings.Device.valueOf(arguments[2].toUpperCase(Locale.ROOT))),
            PartOptions.of(Map.of("keep-graphs", "true")),
            Clock.systemDefaultZone(),
            new Cancellation());
    List<String> opening = new ArrayList<>();
    List<String> tokens = new ArrayList<>();
    List<List<Integer>> expected = List.of();
    for (int i = 0; i <= Integer.parseInt(arguments[3]); i++) {
      long start = System.nanoTime();
      try (Generator generator =
          Autodidact.builder().build().plugins().generator("onnxruntime-gpu").open(context)) {
        opening.add(since(start));
        start = System.nanoTime();
        List<List<Integer>> found = tokens(generator);
        tokens.add(since(start));
        if (i > 0 && !found.equals(expected)) {
          throw new IllegalStateException("other tokens after the hand-over of the same weights");
        }
        expected = found;
      }
    }
    System.out.printf(
        Locale.ROOT,
        "{\"what\": \"hand-over\", \"precision\": \"%s\", \"device\": \"%s\","
            + " \"first_opening_seconds\": %s, \"first_tokens_seconds\": %s,"
            + " \"hand_over_seconds\": %s, \"tokens_after_seconds\": %s}%n",
        arguments[1],
        arguments[2],
        opening.get(0),
        tokens.get(0),
        opening.subList(1, opening.size()),
        tokens.subList(1, tokens.size()));
  }

  private static List<List<Integer>> tokens(Generator generator) {
    List<List<Integer>> found = new ArrayList<>();
    generator.generate(
        List.of(
            new GenerationRequest(
                Prompt.of("p", "Say hello."), List.of(1L, 2L), SamplingParameters.candidates(8))),
        g -> found.addAll(g.candidates().stream().map(Candidate::tokens).toList()),
        new Cancellation());
    return found;
  }

  private static String since(long start) {
    return String.format(Locale.ROOT, "%.3f", (System.nanoTime() - start) / 1e9);
  }
}
