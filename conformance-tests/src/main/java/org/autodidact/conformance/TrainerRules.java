package org.autodidact.conformance;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.function.Consumer;
import org.autodidact.api.Answer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Probe;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * The rules of {@link Trainer#train}. Extend it and provide a trainer and a small model to train.
 */
public abstract class TrainerRules extends Rules {
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

  /** All weights of a checkpoint, in an order of its own. */
  protected abstract float[] weights(Path checkpoint);

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

  private TrainingSettings settings(TrainingSettings.Loss loss, double rate, int epochs) {
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

  private static List<TrainingExample> preferences() {
    List<TrainingExample> examples = new ArrayList<>();
    for (int i = 0; i < EXAMPLES; i++) {
      examples.add(
          new TrainingExample.Preference(
              List.of(Message.user("question " + i)), "good answer " + i, "bad one"));
    }
    return examples;
  }

  private static List<TrainingExample> demonstrations() {
    List<TrainingExample> examples = new ArrayList<>();
    for (int i = 0; i < EXAMPLES; i++) {
      examples.add(
          new TrainingExample.Demonstration(List.of(Message.user("question " + i)), "yes"));
    }
    return examples;
  }

  private TrainingResult train(
      String name,
      List<TrainingExample> examples,
      TrainingSettings settings,
      Consumer<TrainingMetrics> metrics,
      Cancellation cancellation) {
    return create()
        .train(
            new TrainingRequest(
                base,
                examples,
                List.of(),
                settings,
                5,
                new Checkpoint(name, folder.resolve(name)),
                folder.resolve(name + ".state")),
            metrics,
            cancellation);
  }

  private TrainingResult imitate(Checkpoint from, String name, Answer answer, List<Probe> probes) {
    return create()
        .train(
            new TrainingRequest(
                from,
                List.of(
                    new TrainingExample.Demonstration(List.of(Message.user("question")), answer)),
                List.of(),
                settings(TrainingSettings.Loss.SFT, learningRate(), EPOCHS),
                5,
                new Checkpoint(name, folder.resolve(name)),
                folder.resolve(name + ".state"),
                probes),
            m -> {},
            new Cancellation());
  }

  private float[] imitated(String name, Answer answer) {
    return weights(imitate(base, name, answer, List.of()).checkpoint().folder());
  }

  private TrainingResult prefer(String name, double rate) {
    return train(
        name,
        preferences(),
        settings(TrainingSettings.Loss.SIGMOID, rate, EPOCHS),
        m -> {},
        new Cancellation());
  }

  private void cutOff(String name, int after) {
    Cancellation cancellation = new Cancellation();
    assertThatThrownBy(
            () ->
                train(
                    name,
                    preferences(),
                    settings(TrainingSettings.Loss.SIGMOID, learningRate(), EPOCHS),
                    m -> {
                      if (m.step() == after) {
                        cancellation.cancel();
                      }
                    },
                    cancellation))
        .isInstanceOf(CancelledException.class);
  }

  /** The output appears whole at the end, and the base stays. */
  @Test
  public void T1_theOutputAppearsWholeAndTheBaseStays() {
    float[] before = weights(base.folder());
    Path output = folder.resolve("whole");
    TrainingResult result =
        train(
            "whole",
            preferences(),
            settings(TrainingSettings.Loss.SIGMOID, learningRate(), EPOCHS),
            m -> assertThat(Files.exists(output)).as("output at step %d", m.step()).isFalse(),
            new Cancellation());
    assertThat(result.checkpoint().folder()).isEqualTo(output);
    assertThat(weights(output)).hasSameSizeAs(before).isNotEqualTo(before);
    assertThat(weights(base.folder())).isEqualTo(before);
  }

  /** Metrics of each step, in order, on the calling thread. */
  @Test
  public void T2_metricsComeInOrder() {
    Thread caller = Thread.currentThread();
    List<Integer> steps = new ArrayList<>();
    TrainingResult result =
        train(
            "metrics",
            preferences(),
            settings(TrainingSettings.Loss.SIGMOID, learningRate(), EPOCHS),
            m -> {
              assertThat(Thread.currentThread()).as("the calling thread").isSameAs(caller);
              assertThat(m.steps()).isEqualTo(STEPS);
              assertThat(m.value("loss")).isPresent();
              steps.add(m.step());
            },
            new Cancellation());
    assertThat(steps).containsExactly(1, 2, 3, 4, 5, 6);
    assertThat(result.metrics()).extracting(TrainingMetrics::step).isEqualTo(steps);
  }

  /** Equal requests, equal weights. */
  @Test
  public void T3_equalRequestsGiveEqualWeights() {
    TrainingResult one = prefer("one", learningRate());
    TrainingResult two = prefer("two", learningRate());
    assertThat(weights(two.checkpoint().folder())).isEqualTo(weights(one.checkpoint().folder()));
    assertThat(two.metrics()).isEqualTo(one.metrics());
  }

  /** Cut off and called again, it goes on and ends the same. */
  @Test
  public void T4_cutOffItGoesOnAndEndsTheSame() {
    TrainingResult whole = prefer("whole", learningRate());
    for (int cut : new int[] {1, 3, STEPS - 1}) {
      String name = "cut" + cut;
      cutOff(name, cut);
      List<Integer> steps = new ArrayList<>();
      TrainingResult resumed =
          train(
              name,
              preferences(),
              settings(TrainingSettings.Loss.SIGMOID, learningRate(), EPOCHS),
              m -> steps.add(m.step()),
              new Cancellation());
      assertThat(steps).startsWith(cut + 1).hasSize(STEPS - cut);
      assertThat(resumed.metrics()).isEqualTo(whole.metrics());
      assertThat(weights(folder.resolve(name))).isEqualTo(weights(folder.resolve("whole")));
    }
  }

  /** A rate of 0 changes nothing. */
  @Test
  public void T5_aRateOfZeroChangesNothing() {
    TrainingResult result = prefer("zero", 0);
    assertThat(weights(result.checkpoint().folder())).isEqualTo(weights(base.folder()));
  }

  /** Training lowers the loss on its own examples. */
  @Test
  public void T6_theLossFalls() {
    List<Double> losses = new ArrayList<>();
    train(
        "sft",
        demonstrations(),
        settings(TrainingSettings.Loss.SFT, learningRate(), 10),
        m -> losses.add(m.value("loss").orElseThrow()),
        new Cancellation());
    assertThat(losses.get(losses.size() - 1)).isLessThan(losses.get(0));
  }

  /** DPO starts at ln 2, where policy and reference are one. */
  @Test
  public void T7_dpoStartsAtLn2() {
    assertThat(prefer("ln2", learningRate()).metrics().get(0).value("loss").orElseThrow())
        .isCloseTo(Math.log(2), within(1e-3));
  }

  /** Cancelled, it ends after the step in hand and leaves no output. */
  @Test
  public void T8_cancellationEndsTheTraining() {
    cutOff("cancelled", 2);
    assertThat(folder.resolve("cancelled")).doesNotExist();
  }

  /** No examples, or those of another kind, are refused. */
  @Test
  public void T9_unusableExamplesAreRefused() {
    TrainingSettings dpo = settings(TrainingSettings.Loss.SIGMOID, learningRate(), 1);
    TrainingSettings sft = settings(TrainingSettings.Loss.SFT, learningRate(), 1);
    Cancellation never = new Cancellation();
    assertThatThrownBy(() -> train("none", List.of(), dpo, m -> {}, never))
        .isInstanceOf(InvalidInputException.class);
    assertThatThrownBy(() -> train("kind", demonstrations(), dpo, m -> {}, never))
        .isInstanceOf(InvalidInputException.class);
    assertThatThrownBy(() -> train("other", preferences(), sft, m -> {}, never))
        .isInstanceOf(InvalidInputException.class);
  }

  /** The scores of its output are those of the same model as a base. */
  @Test
  public void T10_probesAreScoredByTheWeightsThatAreWritten() {
    List<Probe> probes = new ArrayList<>();
    probes.add(new Probe(List.of(Message.user("question")), Answer.written("yes")));
    probes.add(new Probe(List.of(Message.user("else")), new Answer("", tokens(), false)));
    TrainingResult first = imitate(base, "first", Answer.written("yes"), probes);
    Assumptions.assumeFalse(first.probes().isEmpty(), "it scores no probes");
    TrainingResult second = imitate(first.checkpoint(), "second", Answer.written("no"), probes);
    assertThat(first.probes()).hasSameSizeAs(probes);
    assertThat(first.probes().get(0).after())
        .as("what was imitated")
        .isGreaterThan(first.probes().get(0).before());
    for (int i = 0; i < probes.size(); i++) {
      Probe.Result result = first.probes().get(i);
      assertThat(second.probes().get(i).before())
          .as("probe %d of what was written", i)
          .isCloseTo(result.after(), within(2 * result.rounding() * result.tokens()));
    }
  }

  /** Tokens as they are, and an end only where there is one. */
  @Test
  public void T11_drawnTokensAreLearnedAsTheyAre() {
    float[] tokens = imitated("tokens", new Answer("yes", tokens(), true));
    assertThat(imitated("text", new Answer("no", tokens(), false))).isEqualTo(tokens);
    List<Integer> others = new ArrayList<>(tokens());
    others.add(tokens().get(0));
    assertThat(imitated("others", new Answer("yes", others, true))).isNotEqualTo(tokens);
    assertThat(imitated("cut", new Answer("yes", List.of(), false)))
        .isNotEqualTo(imitated("ended", Answer.written("yes")));
  }
}
