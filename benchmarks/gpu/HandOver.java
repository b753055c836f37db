import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.engine.Autodidact;
import org.autodidact.gpu.decode.StepGenerator;

/**
 * Times what stands between two iterates: opening a generator, its first tokens, and the hand-over
 * of the next checkpoint's weights by a copy. Prints one JSON line. The tokens after the hand-over
 * of the same checkpoint must be those before.
 *
 * <p>Arguments: model folder, precision, device, repeats.
 */
public final class HandOver {
  private HandOver() {}

  public static void main(String[] arguments) {
    Checkpoint model = new Checkpoint("M0", Path.of(arguments[0]));
    ComputeSettings settings =
        new ComputeSettings(
            new ComputeSettings.Precision(arguments[1]),
            0,
            0,
            ComputeSettings.Device.valueOf(arguments[2].toUpperCase(Locale.ROOT)));
    long start = System.nanoTime();
    try (StepGenerator generator =
        (StepGenerator)
            Autodidact.builder()
                .build()
                .plugins()
                .generator("onnxruntime-gpu")
                .open(model, settings)) {
      double opening = since(start);
      start = System.nanoTime();
      List<List<Integer>> before = tokens(generator);
      double first = since(start);
      start = System.nanoTime();
      tokens(generator);
      double again = since(start);
      List<String> seconds = new ArrayList<>();
      for (int i = 0; i < Integer.parseInt(arguments[3]); i++) {
        start = System.nanoTime();
        generator.handOver(model);
        seconds.add(String.format(Locale.ROOT, "%.3f", since(start)));
      }
      if (!tokens(generator).equals(before)) {
        throw new IllegalStateException("other tokens after the hand-over of the same weights");
      }
      System.out.printf(
          Locale.ROOT,
          "{\"what\": \"hand-over\", \"precision\": \"%s\", \"device\": \"%s\", \"opening_seconds\":"
              + " %.3f, \"first_call_seconds\": %.3f, \"second_call_seconds\": %.3f,"
              + " \"hand_over_seconds\": %s}%n",
          arguments[1],
          arguments[2],
          opening,
          first,
          again,
          seconds);
    }
  }

  private static List<List<Integer>> tokens(StepGenerator generator) {
    List<List<Integer>> found = new ArrayList<>();
    generator.generate(
        List.of(
            new GenerationRequest(
                Prompt.of("p", "Say hello."), List.of(1L, 2L), SamplingParameters.candidates(8))),
        g -> found.addAll(g.candidates().stream().map(Candidate::tokens).toList()),
        new Cancellation());
    return found;
  }

  private static double since(long start) {
    return (System.nanoTime() - start) / 1e9;
  }
}
