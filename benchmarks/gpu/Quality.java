import java.nio.file.Path;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generator;
import org.autodidact.api.Prompt;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.data.JsonLines;

/**
 * How far the first token's distribution is from the CPU's in float32: the mean of KL(CPU, device)
 * in nats over prompts. Prints one JSON line.
 *
 * <p>Arguments: model folder, prompts (JSONL), precision, device, how many prompts.
 */
public final class Quality {
  private Quality() {}

  public static void main(String[] arguments) {
    Path model = Path.of(arguments[0]);
    int count = Integer.parseInt(arguments[4]);
    List<Prompt> prompts = JsonLines.prompts(Path.of(arguments[1])).subList(0, count);
    ComputeSettings exact =
        new ComputeSettings(
            ComputeSettings.Precision.FP32, 0, 0, ComputeSettings.Device.CPU);
    ComputeSettings tried =
        new ComputeSettings(
            new ComputeSettings.Precision(arguments[2]),
            0,
            0,
            ComputeSettings.Device.valueOf(arguments[3].toUpperCase(Locale.ROOT)));
    Map<String, List<Double>> p = scores("onnxruntime", model, exact, prompts);
    Map<String, List<Double>> q = scores("onnxruntime-gpu", model, tried, prompts);
    double sum = 0;
    double worst = 0;
    for (Prompt prompt : prompts) {
      double kl = 0;
      for (int t = 0; t < p.get(prompt.id()).size(); t++) {
        double log = p.get(prompt.id()).get(t);
        kl += Math.exp(log) * (log - q.get(prompt.id()).get(t));
      }
      sum += kl;
      worst = Math.max(worst, kl);
    }
    System.out.printf(
        Locale.ROOT,
        "{\"what\": \"first-token KL\", \"precision\": \"%s\", \"device\": \"%s\", \"prompts\": %d,"
            + " \"mean_nats\": %.6f, \"worst_nats\": %.6f}%n",
        arguments[2],
        arguments[3],
        count,
        sum / count,
        worst);
  }

  private static Map<String, List<Double>> scores(
      String name, Path model, ComputeSettings settings, List<Prompt> prompts) {
    Map<String, List<Double>> found = new HashMap<>();
    try (ModelFolder folder = ModelFolder.open(model);
        Generator generator =
            Autodidact.builder()
                .build()
                .plugins()
                .generator(name)
                .open(new Checkpoint("M0", model), settings)) {
      List<List<Integer>> tokens =
          IntStream.range(0, folder.config().vocabularySize()).mapToObj(List::of).toList();
      for (Prompt prompt : prompts) {
        generator
            .scorer()
            .orElseThrow()
            .score(
                List.of(ScoringRequest.ofTokens(prompt, tokens)),
                s -> found.put(s.promptId(), s.logProbabilities()),
                new Cancellation());
      }
    }
    return found;
  }
}
