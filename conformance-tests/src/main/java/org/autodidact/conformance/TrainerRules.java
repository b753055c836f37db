package org.autodidact.conformance;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.function.Consumer;
import org.autodidact.api.Answer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Probe;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider.Feature;
import org.autodidact.api.TrainerProvider.TrainerCapabilities;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;
import org.autodidact.api.TrainingSettings.Lora;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.Optimizer;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The rules of {@link Trainer#train}. Extend it and provide a trainer, what its provider says that
 * it can do, and a small model to train.
 *
 * <p>Rules T4 and T8 ask that the step after {@link Cancellation#cancel()} is not made, and the
 * tests cancel while the metrics of a step are handed over. A trainer whose steps are made by
 * another process therefore lets that process wait for an answer after each step; one that runs on
 * ahead breaks them. A job that cannot wait, as on a cluster, takes {@link #JOB_ELSEWHERE} as its
 * exemptions.
 */
public abstract class TrainerRules extends Rules {
  /**
   * Exemptions of a trainer that hands the whole training to a job elsewhere, which neither reports
   * nor stops between two steps: {@code exemptions()} returns it. What such a trainer keeps of T8
   * is to throw {@link CancelledException} and to stop the job.
   */
  protected static final Map<Rule, String> JOB_ELSEWHERE =
      Map.of(
          Rule.T2, "a job elsewhere reports its steps when it is over",
          Rule.T4, "a job elsewhere begins again from its own last state",
          Rule.T8, "a job elsewhere does not wait for an answer after each step");

  private static final int EXAMPLES = 6;
  private static final int BATCH = 2;
  private static final int EPOCHS = 2;
  private static final int STEPS = EXAMPLES / BATCH * EPOCHS;

  @TempDir private Path folder;
  private Checkpoint base;

  /** A trainer to test. */
  protected abstract Trainer create();

  /** Writes a small model, the same each time, into a new folder. */
  protected abstract void writeBase(Path newFolder);

  /** All weights of a folder, in an order of its own. */
  protected abstract float[] weights(Path checkpoint);

  /** All weights of a checkpoint; a trainer that returns references overrides it. */
  protected float[] weights(Checkpoint checkpoint) {
    return weights(checkpoint.folder());
  }

  /** What its provider says that it can do; by default fine-tuning and DPO by AdamW. */
  protected TrainerCapabilities capabilities() {
    return TrainerCapabilities.MINIMAL;
  }

  /** A rate at which the small model learns in a few steps. */
  protected double learningRate() {
    return 1e-3;
  }

  /** Some token ids of the small model, none of them special. */
  protected List<Integer> tokens() {
    return List.of(5, 6);
  }

  @BeforeEach
  final void prepareBase() {
    base = new Checkpoint("M0", folder.resolve("base"));
    writeBase(base.folder());
  }

  private static TrainingSettings settings(Loss loss, double rate, int epochs) {
    return TrainingSettings.dpo().toBuilder()
        .loss(loss)
        .constantRate(rate)
        .batchSize(BATCH)
        .epochs(epochs)
        .maxLength(256)
        .maxGradientNorm(0)
        .saveEvery(1)
        .build();
  }

  private TrainingSettings dpo() {
    return settings(Loss.SIGMOID, learningRate(), EPOCHS);
  }

  private static List<TrainingExample> preferences(double consistency) {
    List<TrainingExample> examples = new ArrayList<>();
    for (int i = 0; i < EXAMPLES; i++) {
      examples.add(
          new TrainingExample.Preference(
              List.of(Message.user("question " + i)), "good answer " + i, "bad one", consistency));
    }
    return examples;
  }

  private static List<TrainingExample> preferences() {
    return preferences(1);
  }

  private static List<TrainingExample> demonstrations() {
    List<TrainingExample> examples = new ArrayList<>();
    for (int i = 0; i < EXAMPLES; i++) {
      examples.add(
          new TrainingExample.Demonstration(List.of(Message.user("question " + i)), "yes"));
    }
    return examples;
  }

  private TrainingRequest request(
      String name, List<TrainingExample> examples, TrainingSettings settings) {
    return request(base, name, examples, List.of(), settings, List.of());
  }

  private TrainingRequest request(
      Checkpoint from,
      String name,
      List<TrainingExample> examples,
      List<TrainingExample> heldOut,
      TrainingSettings settings,
      List<Probe> probes) {
    return new TrainingRequest(
        from,
        examples,
        heldOut,
        settings,
        5,
        new Checkpoint(name, folder.resolve(name)),
        folder.resolve(name + ".state"),
        probes);
  }

  /** Trains to the end, which must not fail. */
  private TrainingResult train(Rule rule, TrainingRequest request, Consumer<TrainingMetrics> to) {
    List<TrainingResult> result = new ArrayList<>();
    call(
        rule, Shown.of(request), () -> result.add(create().train(request, to, new Cancellation())));
    return result.get(0);
  }

  private TrainingResult train(Rule rule, TrainingRequest request) {
    return train(rule, request, m -> {});
  }

  /** The losses of the steps. */
  private static List<Double> losses(TrainingRequest request, TrainingResult result) {
    check(
        result.metrics().size() > 1,
        Rule.T2,
        Shown.of(request),
        "metrics of each step in the result",
        result.metrics());
    return result.metrics().stream()
        .map(
            m ->
                m.value("loss")
                    .orElseThrow(
                        () -> broken(Rule.T2, Shown.of(request), "a loss in each step", m)))
        .toList();
  }

  private TrainingRequest imitating(
      Checkpoint from, String name, Answer answer, List<Probe> probes) {
    return request(
        from,
        name,
        List.of(new TrainingExample.Demonstration(List.of(Message.user("question")), answer)),
        List.of(),
        settings(Loss.SFT, learningRate(), EPOCHS),
        probes);
  }

  private float[] imitated(String name, Answer answer) {
    return weights(train(Rule.T11, imitating(base, name, answer, List.of())).checkpoint());
  }

  /** Trains until a step's metrics are handed over. */
  private TrainingRequest cutOff(String name, int after) {
    Cancellation cancellation = new Cancellation();
    TrainingRequest request = request(name, preferences(), dpo());
    List<Integer> steps = new ArrayList<>();
    String shown = Shown.of(request) + ", cancelled with the metrics of step " + after;
    thrown(
        Rule.T8,
        shown,
        CancelledException.class,
        () ->
            create()
                .train(
                    request,
                    m -> {
                      steps.add(m.step());
                      if (m.step() == after) {
                        cancellation.cancel();
                      }
                    },
                    cancellation));
    check(
        !steps.contains(after + 1),
        Rule.T8,
        shown,
        "no step after it",
        "metrics of steps " + steps);
    return request;
  }

  private static String changed(float[] one, float[] other) {
    if (one.length != other.length) {
      return other.length + " weights instead of " + one.length;
    }
    int count = 0;
    for (int i = 0; i < one.length; i++) {
      count += one[i] == other[i] ? 0 : 1;
    }
    return count + " of " + one.length + " weights are others";
  }

  private static void checkSame(
      Rule rule, TrainingRequest request, String expected, float[] one, float[] other) {
    check(Arrays.equals(one, other), rule, Shown.of(request), expected, changed(one, other));
  }

  private static void checkOther(
      Rule rule, TrainingRequest request, String expected, float[] one, float[] other) {
    check(
        one.length == other.length && !Arrays.equals(one, other),
        rule,
        Shown.of(request),
        expected,
        changed(one, other));
  }

  @Test
  public void T1_theOutputAppearsWholeAndTheBaseStays() {
    float[] before = weights(base.folder());
    TrainingRequest request = request("whole", preferences(), dpo());
    Path output = request.output().folder();
    List<Integer> early = new ArrayList<>();
    TrainingResult result =
        train(
            Rule.T1,
            request,
            m -> {
              if (Files.exists(output)) {
                early.add(m.step());
              }
            });
    check(
        early.isEmpty(),
        Rule.T1,
        Shown.of(request),
        "no output folder before the last step's metrics are handed over",
        "it is there at the steps " + early);
    Checkpoint made = result.checkpoint();
    check(
        made.isReference()
            ? made.name().equals(request.output().name())
            : made.equals(request.output()),
        Rule.T1,
        Shown.of(request),
        "the checkpoint " + request.output() + ", or a reference of its name",
        made);
    checkOther(Rule.T1, request, "weights that were trained", before, weights(made));
    checkSame(Rule.T1, request, "the base's weights", before, weights(base.folder()));
  }

  @Test
  public void T2_metricsComeInOrder() {
    Thread caller = Thread.currentThread();
    TrainingRequest request = request("metrics", preferences(), dpo());
    List<TrainingMetrics> handed = new ArrayList<>();
    List<String> threads = new ArrayList<>();
    TrainingResult result =
        train(
            Rule.T2,
            request,
            m -> {
              if (Thread.currentThread() != caller) {
                threads.add(Thread.currentThread().getName());
              }
              handed.add(m);
            });
    check(
        threads.isEmpty(),
        Rule.T2,
        Shown.of(request),
        "metrics on the calling thread, '" + caller.getName() + "'",
        "they came on the threads " + threads);
    List<Integer> steps = handed.stream().map(TrainingMetrics::step).toList();
    check(
        steps.equals(List.of(1, 2, 3, 4, 5, 6)),
        Rule.T2,
        Shown.of(request),
        "metrics of the steps 1 to 6",
        "of the steps " + steps);
    for (TrainingMetrics m : handed) {
      check(
          m.steps() == STEPS && Double.isFinite(m.value("loss").orElse(Double.NaN)),
          Rule.T2,
          Shown.of(request),
          "a loss in each step, and " + STEPS + " steps in all",
          m);
    }
    check(
        result.metrics().equals(handed),
        Rule.T2,
        Shown.of(request),
        "the metrics that were handed over in the result",
        result.metrics());
  }

  @Test
  public void T3_equalRequestsGiveEqualWeights() {
    TrainingRequest first = request("one", preferences(), dpo());
    TrainingRequest second = request("two", preferences(), dpo());
    TrainingResult one = train(Rule.T3, first);
    TrainingResult two = train(Rule.T3, second);
    checkSame(
        Rule.T3,
        second,
        "the weights of the same training before",
        weights(one.checkpoint()),
        weights(two.checkpoint()));
    check(
        two.metrics().equals(one.metrics()),
        Rule.T3,
        Shown.of(second),
        "the metrics of the same training before: " + one.metrics(),
        two.metrics());
  }

  @Test
  public void T4_cutOffItGoesOnAndEndsTheSame() {
    TrainingResult whole = train(Rule.T4, request("whole", preferences(), dpo()));
    for (int cut : new int[] {1, 3, STEPS - 1}) {
      TrainingRequest request = cutOff("cut" + cut, cut);
      List<Integer> steps = new ArrayList<>();
      TrainingResult resumed = train(Rule.T4, request, m -> steps.add(m.step()));
      String shown = Shown.of(request) + ", called again after it was cut off at step " + cut;
      check(
          steps.size() == STEPS - cut && steps.get(0) == cut + 1,
          Rule.T4,
          shown,
          "metrics of the steps " + (cut + 1) + " to " + STEPS,
          "of the steps " + steps);
      check(
          resumed.metrics().equals(whole.metrics()),
          Rule.T4,
          shown,
          "in the result the metrics of the whole training: " + whole.metrics(),
          resumed.metrics());
      checkSame(
          Rule.T4,
          request,
          "cut off at step " + cut + ", the weights of a training that was not",
          weights(whole.checkpoint()),
          weights(resumed.checkpoint()));
    }
  }

  @Test
  public void T5_aRateOfZeroChangesNothing() {
    TrainingRequest request = request("zero", preferences(), settings(Loss.SIGMOID, 0, EPOCHS));
    checkSame(
        Rule.T5,
        request,
        "the base's weights",
        weights(base.folder()),
        weights(train(Rule.T5, request).checkpoint()));
  }

  @Test
  public void T6_theLossFalls() {
    TrainingRequest request =
        request("sft", demonstrations(), settings(Loss.SFT, learningRate(), 10));
    List<Double> losses = losses(request, train(Rule.T6, request));
    check(
        losses.get(losses.size() - 1) < losses.get(0),
        Rule.T6,
        Shown.of(request),
        "a last loss below the first, " + losses.get(0),
        losses.get(losses.size() - 1));
  }

  @Test
  public void T7_dpoStartsAtLn2() {
    TrainingRequest request = request("ln2", preferences(), dpo());
    double first = losses(request, train(Rule.T7, request)).get(0);
    check(
        Math.abs(first - Math.log(2)) <= 1e-3,
        Rule.T7,
        Shown.of(request),
        "a first loss of ln 2, " + Math.log(2),
        first);
  }

  @Test
  public void T8_cancellationEndsTheTraining() {
    TrainingRequest request = cutOff("cancelled", 2);
    check(
        !Files.exists(request.output().folder()),
        Rule.T8,
        Shown.of(request) + ", cancelled with the metrics of step 2",
        "no output",
        request.output().folder() + " is there");
  }

  @Test
  public void T9_unusableExamplesAreRefused() {
    for (TrainingRequest request :
        List.of(
            request("none", List.of(), dpo()),
            request("kind", demonstrations(), dpo()),
            request("other", preferences(), settings(Loss.SFT, learningRate(), 1)))) {
      thrown(
          Rule.T9,
          Shown.of(request),
          InvalidInputException.class,
          () -> create().train(request, m -> {}, new Cancellation()));
    }
  }

  /** The scores of its output are those of the same model as a base. */
  @Test
  public void T10_probesAreScoredByTheWeightsThatAreWritten() {
    List<Probe> probes = new ArrayList<>();
    probes.add(new Probe(List.of(Message.user("question")), Answer.written("yes")));
    probes.add(new Probe(List.of(Message.user("else")), new Answer("", tokens(), false)));
    TrainingRequest imitating = imitating(base, "first", Answer.written("yes"), probes);
    TrainingResult first = train(Rule.T10, imitating);
    Assumptions.assumeFalse(
        first.probes().isEmpty() && !capabilities().features().contains(Feature.PROBES),
        "it scores no probes");
    checkProbes(imitating, first);
    TrainingRequest next = imitating(first.checkpoint(), "second", Answer.written("no"), probes);
    TrainingResult second = train(Rule.T10, next);
    checkProbes(next, second);
    Probe.Result imitated = first.probes().get(0);
    check(
        imitated.after() > imitated.before(),
        Rule.T10,
        Shown.of(imitating),
        "what is imitated is more probable after than before",
        imitated);
    for (int i = 0; i < probes.size(); i++) {
      Probe.Result result = first.probes().get(i);
      check(
          Math.abs(second.probes().get(i).before() - result.after())
              <= 2 * result.rounding() * result.tokens(),
          Rule.T10,
          Shown.of(next),
          "probe "
              + i
              + " before is what it was after the training that wrote the base, "
              + result.after(),
          second.probes().get(i).before());
    }
  }

  private static void checkProbes(TrainingRequest request, TrainingResult result) {
    check(
        result.probes().size() == request.probes().size(),
        Rule.T10,
        Shown.of(request),
        "one result a probe",
        result.probes());
  }

  @Test
  public void T11_tokensAreLearnedAsTheyAre() {
    List<Integer> others = new ArrayList<>(tokens());
    others.add(tokens().get(0));
    TrainingRequest request =
        imitating(base, "tokens", new Answer("yes", tokens(), true), List.of());
    float[] tokens = weights(train(Rule.T11, request).checkpoint());
    checkSame(
        Rule.T11,
        request,
        "the same weights for another text with the same tokens",
        tokens,
        imitated("text", new Answer("no", tokens(), false)));
    checkOther(
        Rule.T11,
        request,
        "other weights for the same text with other tokens",
        tokens,
        imitated("others", new Answer("yes", others, true)));
    checkOther(
        Rule.T11,
        imitating(base, "cut", new Answer("yes", List.of(), false), List.of()),
        "other weights for an answer that ends than for one that is cut",
        imitated("cut", new Answer("yes", List.of(), false)),
        imitated("ended", Answer.written("yes")));
  }

  @Test
  public void T12_theStateFolderIsGoneAtTheEnd() {
    TrainingRequest request = request("state", preferences(), dpo());
    train(Rule.T12, request);
    check(
        !Files.exists(request.stateFolder()),
        Rule.T12,
        Shown.of(request),
        "no state folder after it",
        request.stateFolder().getFileName() + " is there");
  }

  @Test
  public void T13_whatItsProviderSaysItDoes() {
    for (Loss loss : capabilities().losses()) {
      TrainingRequest request =
          request(
              "loss-" + loss,
              loss.equals(Loss.SFT) ? demonstrations() : preferences(),
              settings(loss, learningRate(), 1));
      losses(request, train(Rule.T13, request));
    }
    for (Optimizer optimizer : capabilities().optimizers()) {
      trained("optimizer-" + optimizer, dpo().toBuilder().optimizer(optimizer).build());
    }
    for (Feature feature : capabilities().features()) {
      checkFeature(feature);
    }
  }

  private void checkFeature(Feature feature) {
    switch (feature) {
      case LORA -> trained("lora", dpo().toBuilder().lora(lora(false)).build());
      case QUANTIZED_LORA -> trained("quantized", dpo().toBuilder().lora(lora(true)).build());
      case ACTIVATION_CHECKPOINTING ->
          trained("checkpointed", dpo().toBuilder().activationCheckpointing(true).build());
      case HELD_OUT -> {
        TrainingRequest request =
            request(
                base,
                "held-out",
                preferences(),
                preferences(),
                dpo().toBuilder().heldOutEvery(1).build(),
                List.of());
        TrainingResult result = train(Rule.T13, request);
        Optional<OptionalDouble> loss =
            result.metrics().stream()
                .map(m -> m.value("eval_loss"))
                .filter(OptionalDouble::isPresent)
                .findFirst();
        check(
            loss.isPresent(),
            Rule.T13,
            Shown.of(request),
            "HELD_OUT, as its provider says: an eval_loss in the metrics",
            result.metrics());
      }
      case CONSISTENCY -> {
        TrainingRequest sure = request("sure", preferences(), dpo());
        TrainingRequest unsure = request("unsure", preferences(0.5), dpo());
        checkOther(
            Rule.T13,
            unsure,
            "CONSISTENCY, as its provider says: other weights with 0.5 than with 1",
            weights(train(Rule.T13, sure).checkpoint()),
            weights(train(Rule.T13, unsure).checkpoint()));
      }
      case PROBES -> {
        Probe probe = new Probe(List.of(Message.user("question")), Answer.written("yes"));
        TrainingRequest request = imitating(base, "probed", Answer.written("yes"), List.of(probe));
        TrainingResult result = train(Rule.T13, request);
        check(
            result.probes().size() == 1,
            Rule.T13,
            Shown.of(request),
            "PROBES, as its provider says: one result a probe",
            result.probes());
      }
    }
  }

  private static Lora lora(boolean quantized) {
    return new Lora(2, 4, 0, Lora.ALL, true, quantized);
  }

  private void trained(String name, TrainingSettings settings) {
    TrainingRequest request = request(name, preferences(), settings);
    checkOther(
        Rule.T13,
        request,
        name + ", as its provider says: weights that were trained",
        weights(base.folder()),
        weights(train(Rule.T13, request).checkpoint()));
  }
}
