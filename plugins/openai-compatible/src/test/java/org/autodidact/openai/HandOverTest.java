package org.autodidact.openai;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.util.ArrayList;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ModelsDisagreeException;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Plugin;
import org.autodidact.api.Probe;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.ServiceUnavailableException;
import org.autodidact.api.Trainer;
import org.autodidact.api.TrainerProvider;
import org.autodidact.api.TrainerProvider.Feature;
import org.autodidact.api.TrainerProvider.TrainerCapabilities;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.engine.Autodidact;
import org.autodidact.engine.config.ConfigFile;
import org.autodidact.engine.store.ModelHandover;
import org.autodidact.engine.store.RunStore;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** A checkpoint of this machine on a server. */
class HandOverTest {
  @TempDir Path folder;
  private final StubServer stub = new StubServer();

  @AfterEach
  void stop() {
    stub.close();
  }

  private Generator open(ServerKind kind, String name, String... options) {
    Map<String, String> all = new HashMap<>(Map.of("url", stub.url(), "retries", "1"));
    for (int i = 0; i < options.length; i += 2) {
      all.put(options[i], options[i + 1]);
    }
    GeneratorContext context =
        new GeneratorContext(
            new Checkpoint(name, folder.resolve(name)),
            ComputeSettings.automatic(),
            PartOptions.of(all),
            Clock.systemDefaultZone(),
            new Cancellation());
    if (kind != ServerKind.OTHER && Files.notExists(folder.resolve(name))) {
      TinyModel.write(folder.resolve(name), 1); // its tokenizer is what is asked of it
    }
    RemoteProvider provider = new RemoteProvider(kind);
    provider.check(context);
    return provider.open(context);
  }

  private static void generate(Generator generator) {
    generator.generate(
        List.of(
            new GenerationRequest(
                Prompt.of("p", "say it"), List.of(1L), SamplingParameters.candidates(8))),
        generation -> {},
        new Cancellation());
  }

  @Test
  void sglangIsToldWhereTheWeightsLie() {
    stub.owner = "sglang";
    open(
            ServerKind.SGLANG,
            "M2",
            "hand-over",
            "weights",
            "model",
            StubServer.MODEL,
            "shared-folder",
            folder + "=/mnt/runs")
        .close();
    assertThat(stub.told)
        .containsExactly(
            "/update_weights_from_disk {\"model_path\":\"/mnt/runs/M2\",\"flush_cache\":true}");
  }

  @Test
  void vllmsWeightsAreUpdatedStepByStep() {
    open(ServerKind.VLLM, "M2", "hand-over", "weights", "model", StubServer.MODEL).close();
    String path = folder.resolve("M2").toString();
    assertThat(stub.told)
        .containsExactly(
            "/init_weight_transfer_engine {\"init_info\":{}}",
            "/start_weight_update {}",
            "/update_weights {\"update_info\":{\"path\":\"" + path + "\"}}",
            "/finish_weight_update {\"weight_version\":\"" + path + "\"}",
            "/reset_prefix_cache {}");
  }

  @Test
  void whatDoesNotLoadIsNamedWithWhatHelps() {
    stub.loaded = new StubServer.Reply(400, "{\"success\":false,\"message\":\"no such path\"}", "");
    assertThatThrownBy(
            () -> open(ServerKind.SGLANG, "M2", "hand-over", "weights", "model", StubServer.MODEL))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContainingAll(
            "does not load " + folder.resolve("M2"), "no such path", "shared-folder");
    stub.loaded = new StubServer.Reply(200, "{\"success\":false,\"message\":\"half of it\"}", "");
    assertThatThrownBy(
            () -> open(ServerKind.SGLANG, "M2", "hand-over", "weights", "model", StubServer.MODEL))
        .hasMessageContainingAll("does not load", "half of it");
    stub.loaded = new StubServer.Reply(404, "{\"detail\":\"Not Found\"}", "");
    assertThatThrownBy(
            () -> open(ServerKind.VLLM, "M2", "hand-over", "weights", "model", StubServer.MODEL))
        .hasMessageContainingAll("VLLM_SERVER_DEV_MODE=1", "404");
  }

  @Test
  void anotherServersWeightsCannotBeUpdated() {
    assertThatThrownBy(
            () -> open(ServerKind.OTHER, "M2", "hand-over", "weights", "model", StubServer.MODEL))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContainingAll("vllm", "sglang", "path or command");
    assertThat(stub.told).isEmpty();
  }

  @Test
  void aServerThatLoadsByPathIsAskedForThePath() {
    try (Generator generator = open(ServerKind.OTHER, "M2", "hand-over", "path")) {
      generate(generator);
    }
    assertThat(stub.bodies.get(0).path("model").asText())
        .isEqualTo(folder.resolve("M2").toString());
  }

  @Test
  void aServerThatHasOthersWeightsByNowIsNotAsked() {
    String[] options = {"hand-over", "weights", "model", StubServer.MODEL};
    try (Generator first = open(ServerKind.VLLM, "M1", options)) {
      generate(first);
      try (Generator second = open(ServerKind.VLLM, "M2", options)) {
        generate(second);
        assertThatThrownBy(() -> generate(first))
            .isInstanceOf(IllegalStateException.class)
            .hasMessageContainingAll("M2", "M1", "one model at a time");
      }
    }
  }

  @Test
  void aServerThatWentAwayIsNotAskedWithoutItsWeights() {
    try (Generator generator =
        open(ServerKind.VLLM, "M2", "hand-over", "weights", "model", StubServer.MODEL)) {
      stub.close();
      assertThatThrownBy(() -> generate(generator))
          .isInstanceOf(ServiceUnavailableException.class)
          .hasMessageContainingAll("cannot be reached", "started anew", "M2", "resuming");
    }
  }

  @Test
  void aModelThatTheServerHasNoMoreIsNotAsked() {
    try (Generator learner =
            open(ServerKind.VLLM, "M1", "hand-over", "weights", "model", StubServer.MODEL);
        Generator judge = Opened.open(ServerKind.VLLM, stub)) {
      generate(learner);
      assertThatThrownBy(() -> generate(judge))
          .isInstanceOf(IllegalStateException.class)
          .hasMessageContainingAll("M1", "a server of its own");
    }
  }

  private Path script(String text) throws IOException {
    return Files.writeString(folder.resolve("hand-over.sh"), text);
  }

  private Generator openBy(String command) {
    return open(
        ServerKind.OTHER,
        "M2",
        "hand-over",
        "command",
        "hand-over-command",
        command,
        "model",
        StubServer.MODEL,
        "shared-folder",
        folder + "=/srv");
  }

  @Test
  void aCommandIsGivenTheFolderOnTheServer() throws Exception {
    openBy("sh " + script("echo loading\necho \"$1\" > \"$(dirname \"$0\")/given\"\n")).close();
    assertThat(folder.resolve("given")).content().isEqualToIgnoringNewLines("/srv/M2");
  }

  @Test
  void aCommandNeedsTheNameOnTheServer() {
    assertThatThrownBy(
            () -> open(ServerKind.OTHER, "M2", "hand-over", "command", "hand-over-command", "true"))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContainingAll("'hand-over' needs the option 'model'", "M2");
  }

  @Test
  void aCommandThatFailsIsQuoted() throws Exception {
    Path script = script("echo first\necho no room on the card >&2\nexit 3\n");
    assertThatThrownBy(() -> openBy("sh " + script))
        .isInstanceOf(AutodidactException.class)
        .hasMessageContainingAll("exit code 3", "no room on the card", "M2");
    assertThatThrownBy(() -> openBy("no-such-program-anywhere"))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("cannot be started");
  }

  /** Its process and those that it started, by their ids in files. */
  private Path endless() throws IOException {
    return script(
        "cd \"$(dirname \"$0\")\"\nsleep 300 &\necho $! > child\necho $$ > parent\nwait\n");
  }

  private List<ProcessHandle> started() throws Exception {
    List<ProcessHandle> found = new ArrayList<>();
    for (String name : List.of("child", "parent")) {
      Path id = folder.resolve(name);
      for (int i = 0; i < 600 && (Files.notExists(id) || Files.size(id) == 0); i++) {
        Thread.sleep(50);
      }
      found.add(ProcessHandle.of(Long.parseLong(Files.readString(id).strip())).orElseThrow());
    }
    return found;
  }

  private static void assertEnd(List<ProcessHandle> processes) throws Exception {
    for (ProcessHandle process : processes) {
      process.onExit().get(20, java.util.concurrent.TimeUnit.SECONDS);
    }
  }

  private GeneratorContext endless(Cancellation cancellation) throws IOException {
    return new GeneratorContext(
        new Checkpoint("M2", folder.resolve("M2")),
        ComputeSettings.automatic(),
        PartOptions.of(
            Map.of(
                "url",
                stub.url(),
                "model",
                StubServer.MODEL,
                "hand-over",
                "command",
                "hand-over-command",
                "sh " + endless())),
        Clock.systemDefaultZone(),
        cancellation);
  }

  @Test
  void aCancelledCommandEndsWithWhatItStarted() throws Exception {
    Cancellation cancellation = new Cancellation();
    GeneratorContext context = endless(cancellation);
    List<ProcessHandle> processes = new ArrayList<>();
    Thread thread =
        new Thread(
            () -> {
              try {
                processes.addAll(started());
              } catch (Exception e) {
                throw new IllegalStateException(e);
              } finally {
                cancellation.cancel();
              }
            });
    thread.start();
    assertThatThrownBy(() -> new RemoteProvider(ServerKind.OTHER).open(context))
        .isInstanceOf(CancelledException.class);
    thread.join();
    assertThat(processes).hasSize(2);
    assertEnd(processes);
  }

  /** Opens a generator by a command, in a process of its own. */
  static final class Opening {
    public static void main(String[] arguments) {
      GeneratorContext context =
          new GeneratorContext(
              new Checkpoint("M2", Path.of(arguments[0])),
              ComputeSettings.automatic(),
              PartOptions.of(
                  Map.of(
                      "url",
                      arguments[1],
                      "model",
                      StubServer.MODEL,
                      "hand-over",
                      "command",
                      "hand-over-command",
                      arguments[2])),
              Clock.systemDefaultZone(),
              new Cancellation());
      new RemoteProvider(ServerKind.OTHER).open(context).close();
    }
  }

  /** A process that is told to end takes its command with it; one that is killed cannot. */
  @Test
  void aCommandEndsWithTheProcess() throws Exception {
    String command = "sh " + endless();
    ProcessBuilder builder =
        new ProcessBuilder(
                ProcessHandle.current().info().command().orElse("java"),
                "-XX:+UseSerialGC",
                "-cp",
                System.getProperty("java.class.path"),
                Opening.class.getName(),
                folder.resolve("M2").toString(),
                stub.url(),
                command)
            .redirectErrorStream(true)
            .redirectOutput(folder.resolve("output.txt").toFile());
    Process told = builder.start();
    List<ProcessHandle> processes = started();
    told.destroy();
    assertThat(told.waitFor()).isNotZero();
    assertEnd(processes);
    Files.delete(folder.resolve("child"));
    Files.delete(folder.resolve("parent"));

    Process killed = builder.start();
    List<ProcessHandle> left = started();
    try {
      killed.destroyForcibly().waitFor();
      assertThatThrownBy(
              () -> new RemoteProvider(ServerKind.OTHER).open(endless(new Cancellation())))
          .isInstanceOf(InvalidInputException.class)
          .hasMessageContainingAll(
              "is at work already for " + folder.resolve("M2"), "process " + left.get(1).pid());
    } finally {
      left.forEach(ProcessHandle::destroyForcibly);
    }
  }

  @Test
  void optionsThatDoNotFitAreRefused() {
    assertThatThrownBy(() -> open(ServerKind.OTHER, "M2", "hand-over", "command"))
        .hasMessageContaining("hand-over-command");
    assertThatThrownBy(
            () -> open(ServerKind.OTHER, "M2", "hand-over", "path", "shared-folder", "nowhere"))
        .hasMessageContainingAll("shared-folder", "nowhere");
    assertThatThrownBy(
            () ->
                open(ServerKind.OTHER, "M2", "hand-over", "path", "shared-folder", "/else=/there"))
        .hasMessageContainingAll("does not lie in", "/else");
  }

  /** The configuration of a run whose iterates are handed to vLLM. */
  private Path config() throws IOException {
    TinyModel.write(folder.resolve("learner"), 1);
    StringBuilder prompts = new StringBuilder();
    for (int i = 0; i < 12; i++) {
      prompts.append("{\"prompt\":\"question ").append(i).append("\"}\n");
    }
    Files.writeString(folder.resolve("prompts.jsonl"), prompts);
    return Files.writeString(
        folder.resolve("run.yaml"),
        "model: learner\niterations: 2\ntrainer: lowering\nprompts: {file: prompts.jsonl,"
            + " per-iteration: 12}\ncandidates: {count: 4, max-tokens: 8}\njudge: {samples: 1}\n"
            + "generator: {name: vllm, options: {url: \""
            + stub.url()
            + "\", model: a-model, hand-over: weights}}\n");
  }

  @Test
  void aTrainedIterateIsLoadedComparedAndUsed() throws Exception {
    Path run = folder.resolve("run");
    Autodidact.builder()
        .plugin(new Lowering())
        .build()
        .run(ConfigFile.read(config(), Map.of()), run);
    try (RunStore store = RunStore.read(run)) {
      assertThat(ModelHandover.comparison(store, "M2").orElseThrow().verdict()).isEqualTo("agree");
      assertThat(ModelHandover.comparison(store, "M3").orElseThrow().verdict()).isEqualTo("agree");
      assertThat(store.iterations().metrics(2)).containsKey("handover-difference");
    }
    assertThat(stub.told.stream().filter(t -> t.startsWith("/update_weights ")))
        .hasSize(3)
        .element(1)
        .asString()
        .contains("run/M2");
  }

  @Test
  void aServerThatKeepsOtherWeightsStopsTheRun() throws Exception {
    Path run = folder.resolve("run");
    stub.shift = 0.3;
    assertThatThrownBy(
            () ->
                Autodidact.builder()
                    .plugin(new Lowering())
                    .build()
                    .run(ConfigFile.read(config(), Map.of()), run))
        .isInstanceOf(ModelsDisagreeException.class)
        .hasMessageContainingAll("M2", "in the trainer", "in the generator", "resume");
    stub.shift = 0;
    Autodidact.builder().plugin(new Lowering()).build().resume(run);
  }

  /** A trainer whose models have the log-probabilities of the stub's. */
  private static final class Lowering implements Plugin {
    @Override
    public String name() {
      return "lowering";
    }

    @Override
    public List<TrainerProvider> trainers() {
      return List.of(
          TrainerProvider.of(
              "lowering",
              PartOptions.None.class,
              new TrainerCapabilities(
                  TrainerCapabilities.MINIMAL.losses(),
                  TrainerCapabilities.MINIMAL.optimizers(),
                  EnumSet.of(Feature.PROBES)),
              context -> (Trainer) Lowering::train));
    }

    private static TrainingResult train(
        TrainingRequest request,
        java.util.function.Consumer<TrainingMetrics> metrics,
        Cancellation cancellation) {
      TrainingMetrics step = TrainingMetrics.of(1, 1, 1, Map.of("loss", 1.0));
      metrics.accept(step);
      TinyModel.write(request.output().folder(), 2);
      List<Probe.Result> probes = new ArrayList<>();
      for (Probe probe : request.probes()) {
        List<Integer> tokens = probe.answer().tokens();
        probes.add(
            new Probe.Result(
                sum(tokens, request.base().name()),
                sum(tokens, request.output().name()),
                tokens.size(),
                1e-3));
      }
      return new TrainingResult(request.output(), List.of(step), false, 1, probes);
    }

    private static double sum(List<Integer> tokens, String model) {
      int weights = Integer.parseInt(model.substring(1)) - 1;
      return tokens.stream().mapToDouble(t -> -t / 100.0 - weights / 10.0).sum();
    }
  }
}
