package org.autodidact.gpu.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.SmallModels;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.gpu.decode.PrefillPass.Limits;
import org.autodidact.gpu.decode.PrefillPass.Text;
import org.autodidact.gpu.graph.Operators;
import org.autodidact.gpu.memory.HostDevice;
import org.autodidact.gpu.ort.ElementType;
import org.autodidact.gpu.ort.OrtLibrary;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Shared beginnings, kept templates, bounded passes and pieces, against texts one by one. */
class PrefillerTest {
  private static final Cancellation RUNS = new Cancellation();

  @TempDir Path folder;

  private static DecoderEngine engine(ModelFolder model, Operators operators) {
    return new DecoderEngine(
        new HostDevice(1),
        model,
        new DecoderEngine.Key(
            OrtLibrary.load(Optional.empty()),
            "cpu",
            ElementType.FLOAT,
            operators,
            model.config(),
            List.of(0L),
            new StepGenerator.Decoding(2, 6, 8),
            1));
  }

  private static List<double[]> score(Prefiller prefiller, List<Text> texts, int[] template) {
    double[][] found = new double[texts.size()][];
    prefiller.score(texts, template, RUNS, (text, sums) -> found[text] = sums);
    return List.of(found);
  }

  private static void same(List<double[]> found, List<double[]> expected) {
    for (int i = 0; i < expected.size(); i++) {
      assertThat(found.get(i)).as("text %s", i).containsExactly(expected.get(i), within(1e-3));
    }
  }

  private static int[] tokens(Random random, int vocabulary, int count) {
    return IntStream.range(0, count).map(i -> random.nextInt(vocabulary)).toArray();
  }

  private static int[] concat(int[]... parts) {
    return Arrays.stream(parts).flatMapToInt(Arrays::stream).toArray();
  }

  /** Texts of a template, of which some begin alike beyond it; two continuations each. */
  private static List<Text> texts(int vocabulary, int[] template, int context) {
    Random random = new Random(4);
    int[] instruction = tokens(random, vocabulary, 9);
    List<Text> texts = new ArrayList<>();
    for (int length : new int[] {3, 17, 1, 30, 8}) {
      int[] beginning = length % 2 == 1 ? instruction : new int[0];
      int[] prompt = concat(template, beginning, tokens(random, vocabulary, length));
      int[] answer = tokens(random, vocabulary, 5);
      int[] whole = concat(prompt, answer);
      assertThat(whole.length).isLessThan(context);
      texts.add(
          new Text(
              Arrays.copyOf(whole, whole.length - 1),
              prompt.length - 1,
              List.of(answer, tokens(random, vocabulary, 5))));
    }
    return texts;
  }

  static Stream<Arguments> modelsAndOperators() {
    return SmallModels.names().stream()
        .flatMap(name -> Stream.of(Operators.values()).map(of -> Arguments.of(name, of)));
  }

  @ParameterizedTest
  @MethodSource("modelsAndOperators")
  void scoresAreThoseOfTextsAloneWhateverIsShared(String name, Operators operators)
      throws Exception {
    try (ModelFolder model = ModelFolder.open(SmallModels.write(folder.resolve(name), name));
        DecoderEngine engine = engine(model, operators);
        Prefiller alone = new Prefiller(engine, new Limits(1000, 1, 1000, 100));
        Prefiller together = new Prefiller(engine, new Limits(1000, 10_000, 1000, 100));
        Prefiller inPieces = new Prefiller(engine, new Limits(7, 10_000, 1000, 100))) {
      int vocabulary = model.config().vocabularySize();
      int[] template = tokens(new Random(3), vocabulary, 11);
      List<Text> texts = texts(vocabulary, template, model.config().contextLength());
      List<double[]> expected = score(alone, texts, new int[0]);
      int all = texts.stream().mapToInt(t -> t.tokens().length).sum();
      assertThat(alone.computed()).isEqualTo(all);

      same(score(together, texts, template), expected);
      int ownTokens = all - 5 * 11 - 2 * 9;
      assertThat(together.computed()).isEqualTo(11 + ownTokens);
      // The template stays.
      same(score(together, texts, template), expected);
      assertThat(together.computed()).isEqualTo(11 + 2 * ownTokens);
      together.forget();
      same(score(together, texts, template), expected);
      assertThat(together.computed()).isEqualTo(22 + 3 * ownTokens);

      same(score(inPieces, texts, template), expected);
      assertThat(inPieces.mostComputed()).isEqualTo(7);
    }
  }

  /** Of prompts that were prefilled in pieces, with a template and without, the same tokens. */
  @Test
  void candidatesAndJudgedTextsShareTheirTemplateOverCalls() {
    Path tiny = TinyModel.write(folder.resolve("tiny"), 5);
    String rubric = "grade the answer by these rules: ".repeat(8);
    try (StepGenerator generator = open(tiny, 2)) {
      List<List<Integer>> plain = generated(generator, rubric, "");
      long before = generator.prefilledTokens();
      assertThat(generated(generator, rubric, rubric)).isEqualTo(plain);
      long withTemplate = generator.prefilledTokens() - before;
      // 2 slots, so that the 4 prompts enter in two calls or more, each with the template.
      assertThat(generated(generator, rubric, rubric)).isEqualTo(plain);
      long again = generator.prefilledTokens() - before - withTemplate;
      assertThat(again).isLessThan(withTemplate - 64);
      assertThat(again).isLessThan(before / 4);

      List<Double> expected = scored(generator, rubric, "");
      long scoring = generator.prefilledTokens();
      assertThat(scored(generator, rubric, rubric))
          .usingElementComparator((a, b) -> Math.abs(a - b) < 1e-4 ? 0 : 1)
          .containsExactlyElementsOf(expected);
      // The template that generation has kept is scoring's too.
      assertThat(generator.prefilledTokens() - scoring).isLessThan(again * 2);
    }
  }

  /** Whether they follow one another in a slot, enter beside one another, or both. */
  @ParameterizedTest
  @ValueSource(ints = {1, 2, 4, 8})
  void thePromptOfCandidatesIsPrefilledOnce(int slots) {
    Path tiny = TinyModel.write(folder.resolve("tiny"), 5);
    List<GenerationRequest> requests =
        IntStream.range(0, 2)
            .mapToObj(
                i ->
                    new GenerationRequest(
                        prompt(7 * i + 1, "", ""),
                        List.of(1L, 2L, 3L, 4L, 5L),
                        SamplingParameters.candidates(9 + 4 * i).withIgnoreEndOfText(true)))
            .toList();
    Map<String, Generation> expected = new HashMap<>();
    Map<String, Generation> found = new HashMap<>();
    try (StepGenerator all = open(tiny, 16);
        StepGenerator few = open(tiny, slots)) {
      all.generate(requests, g -> expected.put(g.promptId(), g), RUNS);
      few.generate(requests, g -> found.put(g.promptId(), g), RUNS);
      assertThat(found.keySet()).isEqualTo(expected.keySet());
      int tokens = 0;
      for (Generation generation : expected.values()) {
        tokens += generation.promptTokens().size() - 1;
        for (int k = 0; k < 5; k++) {
          assertThat(found.get(generation.promptId()).candidates().get(k).tokens())
              .isEqualTo(generation.candidates().get(k).tokens());
        }
      }
      // What both prompts begin with is one row where they enter together.
      assertThat(few.prefilledTokens()).isLessThanOrEqualTo(tokens);
    }
  }

  private static StepGenerator open(Path model, int slots) {
    return StepGenerator.open(
        ModelFolder.open(model),
        new StepGenerator.Place(
            OrtLibrary.load(Optional.empty()), "cpu", () -> new HostDevice(1), ElementType.FLOAT),
        new StepGenerator.Decoding(slots, 4, 64),
        new ComputeSettings(ComputeSettings.Precision.AUTO, 1, 0),
        false);
  }

  private static Prompt prompt(int i, String rubric, String template) {
    return new Prompt(
        "p" + i, List.of(Message.user(rubric + "text " + "ab".repeat(3 * i + 1))), template);
  }

  private static List<List<Integer>> generated(
      StepGenerator generator, String rubric, String template) {
    List<List<Integer>> found = new ArrayList<>();
    for (int i = 0; i < 4; i++) {
      found.add(List.of());
    }
    generator.generate(
        IntStream.range(0, 4)
            .mapToObj(
                i ->
                    new GenerationRequest(
                        prompt(i, rubric, template), List.of(7L), SamplingParameters.greedy(6)))
            .toList(),
        g -> found.set(Integer.parseInt(g.promptId().substring(1)), g.candidates().get(0).tokens()),
        RUNS);
    return found;
  }

  private static List<Double> scored(StepGenerator generator, String rubric, String template) {
    List<Double> found = new ArrayList<>(List.of(0., 0., 0., 0.));
    generator
        .scorer()
        .orElseThrow()
        .score(
            IntStream.range(0, 4)
                .mapToObj(
                    i ->
                        new ScoringRequest(
                            prompt(i, rubric, template), "Score: ", List.of("1", "2"), false))
                .toList(),
            (Scoring s) ->
                found.set(Integer.parseInt(s.promptId().substring(1)), s.logProbabilities().get(0)),
            RUNS);
    return found;
  }
}
