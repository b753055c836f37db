package org.autodidact.onnxruntime;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.concurrent.TimeUnit;
import org.autodidact.api.Cancellation;
import org.autodidact.api.StorageException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.onnxruntime.backend.DecoderSession;
import org.autodidact.onnxruntime.graph.GraphSession;
import org.autodidact.onnxruntime.graph.OrtDecoder;
import org.autodidact.onnxruntime.quantization.Int8Weights;
import org.autodidact.onnxruntime.vector.VectorBackend;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/** After memory was refused all goes on as before, in a JVM that has little of it. */
class RefusedMemoryTest {
  @TempDir Path folder;

  /** What is refused. */
  enum Refused {
    /** More logits than fit. */
    LOGITS,
    /** Some of a cache's buffers. */
    CACHE,
    /** A backend's buffers when it is opened. */
    OPENING
  }

  @ParameterizedTest
  @EnumSource
  void allGoesOnAfterIt(Refused refused) throws Exception {
    Path model = TinyModel.write(folder.resolve("tiny"), 5, refused == Refused.OPENING ? 64 : 16);
    Path log = folder.resolve("log");
    Process child =
        new ProcessBuilder(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "--add-modules",
                "jdk.incubator.vector",
                "-XX:MaxDirectMemorySize=" + (refused == Refused.OPENING ? "8m" : "32m"),
                "-XX:-CreateCoredumpOnCrash",
                "-XX:ErrorFile=" + folder.resolve("crash.log"),
                "-cp",
                System.getProperty("java.class.path"),
                RefusedMemoryTest.class.getName(),
                refused.name(),
                model.toString())
            .redirectErrorStream(true)
            .redirectOutput(log.toFile())
            .start();
    assertThat(child.waitFor(3, TimeUnit.MINUTES)).isTrue();
    assertThat(child.exitValue()).as(Files.readString(log)).isZero();
  }

  /** The child. */
  public static void main(String[] arguments) throws Exception {
    Path folder = Path.of(arguments[1]);
    switch (Refused.valueOf(arguments[0])) {
      case LOGITS -> refuseLogits(folder);
      case CACHE -> refuseCache(folder);
      case OPENING -> refuseOpening(folder);
    }
  }

  private static void refuseLogits(Path folder) {
    try (ModelFolder model = ModelFolder.open(folder);
        OrtDecoder decoder = new OrtDecoder(model, 1, Optional.empty(), false, 2048);
        GraphSession session = new GraphSession(decoder, false)) {
      session.cache().layOut(1, 8);
      float before = logit(session, 1000);
      refuse(() -> logit(session, 30_000));
      for (int wanted : List.of(1, 1000, 7)) {
        require(logit(session, wanted) == before, "other logits after the refusal");
      }
    }
  }

  private static void refuseCache(Path folder) {
    try (ModelFolder model = ModelFolder.open(folder);
        OrtDecoder decoder = new OrtDecoder(model, 1, Optional.empty(), false, 2048);
        GraphSession session = new GraphSession(decoder, false)) {
      session.cache().layOut(1, 8);
      float before = logit(session, 1);
      // 10 MiB for each of four buffers.
      refuse(() -> session.cache().layOut(1, 10 << 14));
      session.cache().layOut(1, 8);
      require(logit(session, 1) == before, "other logits after the refusal");
    }
  }

  private static void refuseOpening(Path folder) throws InterruptedException {
    try (ModelFolder model = ModelFolder.open(folder);
        Int8Weights weights = Int8Weights.of(model, true, 1, new Cancellation())) {
      // Buffers are in the number of threads.
      refuse(() -> new VectorBackend(model.config(), weights, 64, 2048).close());
    }
    for (int i = 0; i < 100 && helpers() > 0; i++) {
      Thread.sleep(100);
    }
    require(helpers() == 0, helpers() + " threads are left");
  }

  private static long helpers() {
    return Thread.getAllStackTraces().keySet().stream()
        .filter(thread -> thread.getName().startsWith("autodidact-team"))
        .count();
  }

  /** The first logit of a text's last token, as often as wanted. */
  private static float logit(GraphSession session, int wanted) {
    int[] last = new int[wanted];
    java.util.Arrays.fill(last, 2);
    return session
        .run(DecoderSession.Input.ofPrompt(session.cache(), 0, new int[] {5, 6, 7}, 0, last, 1))
        .logit(wanted - 1, 0);
  }

  private static void refuse(Runnable asking) {
    try {
      asking.run();
    } catch (StorageException e) {
      return;
    }
    throw new AssertionError("the memory was not refused");
  }

  private static void require(boolean right, String otherwise) {
    if (!right) {
      throw new AssertionError(otherwise);
    }
  }
}
