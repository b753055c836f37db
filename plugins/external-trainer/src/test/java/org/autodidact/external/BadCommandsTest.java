package org.autodidact.external;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;
import static org.assertj.core.api.Assertions.catchThrowableOfType;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.ShownText;
import org.autodidact.api.TrainingDivergedException;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Commands that fail in each way are one clear line, and what was finished stays finished. */
class BadCommandsTest {
  private static final String STEP =
      "import json, os, sys, time\nsay = lambda **line: print(json.dumps(line))\n";
  private static final String MODEL =
      "import shutil\nrequest = json.load(open('request.json'))\n"
          + "shutil.copytree(request['base'], 'output')\n";

  @TempDir private Path folder;
  private Path base;

  @BeforeEach
  void writeBase() {
    base = TinyModel.write(folder.resolve("base"), 1);
  }

  private TrainingRequest request(double rate) {
    List<TrainingExample> examples = new ArrayList<>();
    for (int i = 0; i < 6; i++) {
      examples.add(
          new TrainingExample.Preference(List.of(Message.user("Say " + i)), "good", "bad"));
    }
    return new TrainingRequest(
        new Checkpoint("M1", base),
        examples,
        List.of(),
        TrainingSettings.dpo().toBuilder().constantRate(rate).batchSize(2).build(),
        5,
        new Checkpoint("M2", folder.resolve("M2")),
        folder.resolve("state"));
  }

  private String script(String code) {
    try {
      Path script = folder.resolve("script.py");
      Files.writeString(script, STEP + code);
      return "python3 " + script;
    } catch (IOException e) {
      throw new java.io.UncheckedIOException(e);
    }
  }

  private TrainingResult train(String command, List<Integer> steps) {
    return ExternalPluginTest.trainer(command)
        .train(request(0.1), m -> steps.add(m.step()), new Cancellation());
  }

  /** The one line that a script's failure is. */
  private String failure(String code) {
    AutodidactException failure =
        catchThrowableOfType(
            AutodidactException.class, () -> train(script(code), new ArrayList<>()));
    assertThat(failure).isNotNull();
    assertThat(failure.getMessage().length()).isLessThanOrEqualTo(ShownText.MESSAGE_LENGTH);
    assertThat(failure.getMessage()).doesNotContain("\n");
    assertThat(folder.resolve("M2")).doesNotExist();
    return failure.getMessage();
  }

  private static final String THREE = "for i in (1, 2, 3): say(step=i, steps=3, loss=0.6)\n";

  @Test
  void aCommandThatIsNotThereIsNamed() {
    assertThatThrownBy(() -> train("no-such-program --fast", new ArrayList<>()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("'no-such-program' cannot be started")
        .hasMessageContaining("'command'");
  }

  @Test
  void aTracebackIsItsLastLine() {
    assertThat(
            failure("say(step=1, steps=3, loss=0.6)\nraise ValueError('no such column: chosen')"))
        .contains("ended with exit code 1 after step 1: ValueError: no such column: chosen")
        .contains("log.txt");
  }

  @Test
  void oneThatIsKilledSaysBySignal() {
    assertThat(failure("os.kill(os.getpid(), 9)")).contains("killed by signal 9 after step 0");
  }

  @Test
  void anotherVocabularyIsRefused() {
    assertThat(
            failure(
                THREE
                    + MODEL
                    + "t = json.load(open('output/tokenizer.json'))\n"
                    + "v = t['model']['vocab']\na, b = list(v)[-2:]\nv[a], v[b] = v[b], v[a]\n"
                    + "json.dump(t, open('output/tokenizer.json', 'w'))\n"))
        .contains("tokenizer.json is not the base's", "has the id", "leave the tokenizer out");
  }

  @Test
  void whatIsMissingBesideATokenizerIsTheBases() {
    train(
        script(
            THREE
                + MODEL
                + "for n in os.listdir('output'):\n"
                + "  if n not in ('config.json', 'model.safetensors', 'tokenizer.json'):"
                + " os.remove('output/' + n)\n"),
        new ArrayList<>());
    for (String name : ModelFolder.COMPANIONS) {
      assertThat(Files.exists(folder.resolve("M2").resolve(name)))
          .as(name)
          .isEqualTo(Files.exists(base.resolve(name)));
    }
  }

  @Test
  void weightsThatAreNoNumbersAreRefused() {
    assertThat(
            failure(
                THREE
                    + MODEL
                    + "import struct\nb = bytearray(open('output/model.safetensors', 'rb').read())\n"
                    + "h = 8 + struct.unpack('<Q', b[:8])[0]\nb[h:h + 4] = b'\\xff\\xff\\xff\\x7f'\n"
                    + "open('output/model.safetensors', 'wb').write(b)\n"))
        .contains("a weight of", "is NaN", "diverged");
  }

  @Test
  void noModelIsRefused() {
    assertThat(failure(THREE)).contains("left no model").contains("output");
  }

  @Test
  void halfAModelIsRefused() {
    assertThat(failure(THREE + MODEL + "os.truncate('output/model.safetensors', 5000)"))
        .contains("left no whole model")
        .contains("model.safetensors");
    assertThat(failure(THREE + MODEL + "os.remove('output/config.json')"))
        .contains("left no whole model")
        .contains("config.json");
  }

  /** Of rank 1 over the first layer's q_proj: A is 1 in its first number, B is 2 in all. */
  private static final String ADAPTER =
      """
      import struct
      os.mkdir('output')
      json.dump({'peft_type': 'LORA', 'r': 1, 'lora_alpha': 3}, open('output/adapter_config.json', 'w'))
      name = 'base_model.model.model.layers.0.self_attn.q_proj.lora_%s.weight'
      head = json.dumps({
          name % 'A': {'dtype': 'F32', 'shape': [1, 32], 'data_offsets': [0, 128]},
          name % 'B': {'dtype': 'F32', 'shape': [32, 1], 'data_offsets': [128, 256]}}).encode()
      numbers = struct.pack('<64f', 1, *[0] * 31, *[2] * 32)
      open('output/adapter_model.safetensors', 'wb').write(struct.pack('<Q', len(head)) + head + numbers)
      """;

  @Test
  void anAdapterIsMergedIntoItsBase() {
    train(script(THREE + ADAPTER), new ArrayList<>());
    String name = "model.layers.0.self_attn.q_proj.weight";
    try (ModelFolder before = ModelFolder.open(base);
        ModelFolder after = ModelFolder.open(folder.resolve("M2"))) {
      float[] expected = before.floats(before.tensor(name));
      for (int i = 0; i < expected.length; i += 32) {
        expected[i] += 6;
      }
      assertThat(after.floats(after.tensor(name))).isEqualTo(expected);
    }
  }

  @Test
  void halfAnAdapterIsRefused() {
    assertThat(failure(THREE + ADAPTER + "os.remove('output/adapter_model.safetensors')"))
        .contains("left no whole model")
        .contains("adapter_model.safetensors");
  }

  @Test
  void nonsenseIsNoMetric() throws IOException {
    assertThat(failure("print('hello')\nprint('{\"step\": \"one\"}')\nprint('{' * 2000)\n" + MODEL))
        .contains("without the metrics of a step");
    assertThat(Files.readString(folder.resolve("state/log.txt"))).contains("hello", "one");
  }

  @Test
  void nonsenseBetweenMetricsDoesNoHarm() {
    List<Integer> steps = new ArrayList<>();
    String noise = "os.write(1, b'\\xff\\xfe {\\n')\nprint('x' * 3000000)\n";
    TrainingResult result = train(script(noise + THREE + noise + MODEL), steps);
    assertThat(steps).containsExactly(1, 2, 3);
    assertThat(result.metrics()).hasSize(3);
    assertThat(folder.resolve("M2/tokenizer.json")).exists();
    assertThat(folder.resolve("state")).doesNotExist();
  }

  @Test
  void stepsThatAreLeftOutAreRefused() {
    assertThat(failure("say(step=10, steps=30, loss=0.6)")).contains("step 10 of 30 after step 0");
    assertThat(failure("say(step=1, steps=3, loss='0.6')")).contains("a loss of \"0.6\" at step 1");
    assertThat(failure("say(step=1, steps=3, loss=0.6)\n" + MODEL)).contains("after step 1 of 3");
  }

  @Test
  void aLossThatIsNoNumberIsADivergence() {
    assertThatThrownBy(
            () -> train(script("say(step=1, steps=3, loss=float('nan'))"), new ArrayList<>()))
        .isInstanceOf(TrainingDivergedException.class)
        .hasMessageContaining("step 1");
  }

  @Test
  void whatWasFinishedStaysFinished() {
    failure("say(step=1, steps=3, loss=0.5)\nsay(step=2, steps=3, loss=0.4)\nsys.exit(1)");
    List<Integer> steps = new ArrayList<>();
    TrainingResult result =
        train(
            script(
                "assert os.environ['AUTODIDACT_RESUME'] == 'true'\n"
                    + "say(step=2, steps=3, loss=0.4)\nsay(step=3, steps=3, loss=0.3)\n"
                    + MODEL),
            steps);
    assertThat(steps).containsExactly(3);
    assertThat(result.metrics().stream().map(m -> m.value("loss").orElseThrow()))
        .containsExactly(0.5, 0.4, 0.3);
    // Called once more, it is done already.
    assertThat(train("no-such-program", steps)).isEqualTo(result);
  }

  @Test
  void anotherRequestIsNotContinued() {
    failure("sys.exit(1)");
    assertThatThrownBy(
            () ->
                ExternalPluginTest.trainer(ExternalPluginTest.TOY)
                    .train(request(0.2), m -> {}, new Cancellation()))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("settings.")
        .hasMessageContaining("learning-rate");
  }

  @Test
  void aKilledCommandGoesOnWhereItWas() throws IOException {
    Path whole = folder.resolve("M2");
    train(ExternalPluginTest.TOY, new ArrayList<>());
    byte[] expected = TinyModel.weights(whole);
    Files.move(whole, folder.resolve("whole"));
    List<Integer> steps = new ArrayList<>();
    assertThatThrownBy(() -> train(ExternalPluginTest.TOY + " --die-at 2", steps))
        .isInstanceOf(AutodidactException.class)
        .hasMessageContaining("killed by signal 9 after step 2");
    train(ExternalPluginTest.TOY + " --die-at 2", steps);
    assertThat(steps).containsExactly(1, 2, 3);
    assertThat(TinyModel.weights(whole)).isEqualTo(expected);
  }

  @Test
  void oneThatDoesNotEndAtCancelIsKilled() {
    Cancellation cancellation = new Cancellation();
    Instant start = Instant.now();
    String stubborn =
        script(
            "import signal\nsignal.signal(signal.SIGTERM, signal.SIG_IGN)\n"
                + "say(step=1, steps=3, loss=0.6)\ntime.sleep(600)");
    assertThatThrownBy(
            () ->
                ExternalPluginTest.trainer(stubborn)
                    .train(
                        request(0.1), (TrainingMetrics m) -> cancellation.cancel(), cancellation))
        .isInstanceOf(CancelledException.class);
    assertThat(Duration.between(start, Instant.now()))
        .isBetween(Duration.ofSeconds(9), Duration.ofSeconds(30));
    assertThat(ProcessHandle.current().descendants().filter(ProcessHandle::isAlive)).isEmpty();
  }

  @Test
  void oneThatAKilledProcessLeftBehindIsEnded() throws IOException, InterruptedException {
    failure("sys.exit(1)");
    Process left = new ProcessBuilder("sleep", "600").start();
    Files.writeString(
        folder.resolve("state/pid"), left.pid() + " " + left.info().startInstant().orElseThrow());
    train(ExternalPluginTest.TOY, new ArrayList<>());
    assertThat(left.waitFor(1, TimeUnit.SECONDS)).isTrue();
  }

  @Test
  void theDocumentedScriptTrains() throws IOException {
    Path recipe = Path.of("recipes/any_script.py");
    assertThat(Files.readString(Path.of("../../docs/how-to/external-trainer.md")))
        .contains("```python\n" + Files.readString(recipe) + "```");
    List<Integer> steps = new ArrayList<>();
    train("python3 " + recipe, steps);
    assertThat(steps).containsExactly(1, 2, 3);
    assertThat(TinyModel.weights(folder.resolve("M2"))).isEqualTo(TinyModel.weights(base));
  }

  @Test
  void theCommandEndsWhereTheJvmIsKilled() throws IOException, InterruptedException {
    Path pid = folder.resolve("pid");
    String command =
        script(
            "import threading\n"
                + "threading.Thread(target=lambda: (os.read(0, 1), os._exit(3)),"
                + " daemon=True).start()\n"
                + "open('../pid.part', 'w').write(str(os.getpid()))\n"
                + "os.rename('../pid.part', '../pid')\ntime.sleep(600)");
    Process jvm =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path"),
                BadCommandsTest.class.getName(),
                folder.toString(),
                command)
            .inheritIO()
            .start();
    while (!Files.exists(pid) && jvm.isAlive()) {
      Thread.sleep(20);
    }
    ProcessHandle child = ProcessHandle.of(Long.parseLong(Files.readString(pid))).orElseThrow();
    jvm.destroyForcibly().waitFor();
    child.onExit().orTimeout(20, TimeUnit.SECONDS).join();
  }

  /** Trains in a JVM of its own. */
  public static void main(String[] arguments) {
    BadCommandsTest test = new BadCommandsTest();
    test.folder = Path.of(arguments[0]);
    test.base = test.folder.resolve("base");
    test.train(arguments[1], new ArrayList<>());
  }
}
