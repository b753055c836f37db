package org.autodidact.benchmarks;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.LongStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.data.JsonLines;

/**
 * The work of the peers' {@code bench_generate.py}: B prompts of 64 tokens, 128 new ones each, end
 * of text ignored, temperature 0.7, top-p 0.9. Prints one JSON line a batch size, as it does.
 *
 * <p>Arguments: model folder, prompts (JSONL), precision, repeats, batch sizes. The property {@code
 * autodidact.generator} names another generator than {@code onnxruntime}, {@code
 * autodidact.provider} a device.
 */
public final class GenerateBenchmark {
  private static final int PROMPT = 64;

  /** Fewer where a machine's set-up is tried, not its speed. */
  private static final int NEW = Integer.getInteger("autodidact.new", 128);

  private GenerateBenchmark() {}

  /** The device that the property names. */
  static ComputeSettings.Device device() {
    String name = System.getProperty("autodidact.provider", "auto");
    return ComputeSettings.Device.valueOf(name.toUpperCase(Locale.ROOT));
  }

  public static void main(String[] arguments) {
    Path model = Path.of(arguments[0]);
    List<Prompt> prompts = JsonLines.prompts(Path.of(arguments[1]));
    ComputeSettings.Precision precision =
        new ComputeSettings.Precision(arguments[2].toLowerCase(Locale.ROOT).replace("_", "-"));
    int repeats = Integer.parseInt(arguments[3]);
    long start = System.nanoTime();
    try (ModelFolder folder = ModelFolder.open(model);
        Generator generator =
            Autodidact.builder()
                .build()
                .plugins()
                .generator(System.getProperty("autodidact.generator", "onnxruntime"))
                .open(
                    new Checkpoint("M0", model), new ComputeSettings(precision, 0, 0, device()))) {
      double opened = (System.nanoTime() - start) / 1e9;
      for (String batch : Arrays.asList(arguments).subList(4, arguments.length)) {
        List<GenerationRequest> requests = requests(folder, prompts, Integer.parseInt(batch));
        double[] seconds = new double[repeats];
        for (int r = -1; r < repeats; r++) { // the first warms up
          double took = generate(generator, requests);
          if (r >= 0) {
            seconds[r] = took;
          }
        }
        Arrays.sort(seconds);
        System.out.printf(
            Locale.ROOT,
            "{\"engine\": \"autodidact\", \"precision\": \"%s\", \"opened_in\": %.1f, \"batch\": %d, \"prompt_tokens\": %d,"
                + " \"new_tokens\": %d, \"seconds\": %s, \"tokens_per_second\": %.1f}%n",
            arguments[2],
            opened,
            requests.size(),
            PROMPT,
            NEW,
            Arrays.toString(seconds),
            requests.size() * NEW / seconds[repeats / 2]);
      }
    }
  }

  private static double generate(Generator generator, List<GenerationRequest> requests) {
    long start = System.nanoTime();
    List<Generation> found = new ArrayList<>();
    generator.generate(requests, found::add, new Cancellation());
    double seconds = (System.nanoTime() - start) / 1e9;
    for (Generation generation : found) {
      for (Candidate candidate : generation.candidates()) {
        if (generation.promptTokens().size() != PROMPT || candidate.tokens().size() != NEW) {
          throw new IllegalStateException("not the work that was asked for: " + generation);
        }
      }
    }
    return seconds;
  }

  private static List<GenerationRequest> requests(
      ModelFolder model, List<Prompt> prompts, int batch) {
    SamplingParameters sampling = SamplingParameters.candidates(NEW).withIgnoreEndOfText(true);
    return LongStream.range(0, batch)
        .mapToObj(
            i ->
                new GenerationRequest(
                    Prompt.of("p" + i, cut(model, prompts.get((int) i % prompts.size()))),
                    List.of(i),
                    sampling))
        .toList();
  }

  /**
   * The instruction, cut or lengthened by words until the whole prompt has {@code PROMPT} tokens.
   */
  private static String cut(ModelFolder model, Prompt prompt) {
    String text = prompt.instruction();
    while (length(model, text) > PROMPT) {
      text = text.substring(0, text.length() - 1);
    }
    for (int i = 0; length(model, text) < PROMPT; i++) {
      String more = text + (i % 2 == 0 ? " and" : " so");
      text = length(model, more) <= PROMPT ? more : text + ".";
    }
    return text;
  }

  private static int length(ModelFolder model, String text) {
    return model.encoder().prompt(List.of(Message.user(text))).length;
  }
}
