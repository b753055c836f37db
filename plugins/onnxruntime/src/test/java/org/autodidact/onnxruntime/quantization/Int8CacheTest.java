package org.autodidact.onnxruntime.quantization;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.TreeMap;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutorService;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;
import java.util.concurrent.atomic.AtomicInteger;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.autodidact.checkpoints.files.AtomicFolders;
import org.autodidact.checkpoints.files.KeptFiles;
import org.autodidact.checkpoints.files.Sha256;
import org.autodidact.onnxruntime.vector.VectorBackend;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

class Int8CacheTest {
  private static final int POSITIONS = 4096;

  @TempDir Path folder;

  private ModelFolder model;
  private final AtomicInteger made = new AtomicInteger();

  @BeforeEach
  void open() {
    model = ModelFolder.open(TinyModel.write(folder.resolve("tiny"), 5, 64));
  }

  @AfterEach
  void close() {
    model.close();
  }

  private Path kept() {
    return folder.resolve("kept");
  }

  private Int8Cache cache() {
    return new Int8Cache(new KeptFiles(kept(), Long.MAX_VALUE), 0);
  }

  private List<Path> files() {
    return AtomicFolders.entries(kept()).stream().filter(Files::isRegularFile).toList();
  }

  /** A digest of each matrix, calibrated, by the cache. */
  private Map<String, String> opened(ModelFolder of, Int8Cache cache) {
    Int8Quantizer nearest = new Int8Quantizer(of, true, new Cancellation());
    return cache.open(
        of,
        true,
        true,
        new Cancellation(),
        () -> {
          made.incrementAndGet();
          return nearest.calibrated(VectorBackend.calibrate(of, nearest, 2, POSITIONS));
        },
        source -> digests(of, source));
  }

  private static Map<String, String> digests(ModelFolder of, Int8Source source) {
    Map<String, String> digests = new TreeMap<>();
    for (String name : Int8Source.names(of.config())) {
      Int8Matrix matrix = source.take(name);
      MessageDigest digest = Sha256.digest();
      digest.update(matrix.values().bytes());
      for (float[] floats : List.of(matrix.scales(), matrix.inputMean(), matrix.bias())) {
        ByteBuffer bytes = ByteBuffer.allocate(floats.length * Float.BYTES);
        bytes.asFloatBuffer().put(floats);
        digest.update(bytes);
      }
      digests.put(name, Sha256.text(digest));
      matrix.values().close();
    }
    return digests;
  }

  @Test
  void whatIsKeptIsWhatWasMade() {
    Map<String, String> first = opened(model, cache());
    assertThat(opened(model, cache())).isEqualTo(first);
    assertThat(made).hasValue(1);
    assertThat(files()).hasSize(1);
  }

  @Test
  void aCopyOfTheModelIsTheSame() throws IOException {
    Map<String, String> first = opened(model, cache());
    Path copy = Files.createDirectory(folder.resolve("copy"));
    for (Path file : AtomicFolders.entries(model.path())) {
      Files.copy(file, copy.resolve(file.getFileName()));
    }
    try (ModelFolder other = ModelFolder.open(copy)) {
      assertThat(opened(other, cache())).isEqualTo(first);
    }
    assertThat(made).hasValue(1);
  }

  @Test
  void otherWeightsAndAnotherChatTemplateAreOthers() throws IOException {
    opened(model, cache());
    try (ModelFolder other =
        ModelFolder.open(TinyModel.write(folder.resolve("other weights"), 6, 64))) {
      opened(other, cache());
    }
    assertThat(made).hasValue(2);
    Path copy = TinyModel.write(folder.resolve("other template"), 5, 64);
    Files.writeString(copy.resolve("chat_template.jinja"), "{{ messages[0].content }}");
    try (ModelFolder other = ModelFolder.open(copy)) {
      opened(other, cache());
    }
    assertThat(made).hasValue(3);
    assertThat(files()).hasSize(3);
  }

  @ParameterizedTest
  @ValueSource(strings = {"cut", "empty", "values", "index"})
  void whatIsDamagedIsMadeAnew(String how) throws IOException {
    Map<String, String> first = opened(model, cache());
    Path file = files().get(0);
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.WRITE)) {
      switch (how) {
        case "cut" -> channel.truncate(channel.size() / 2);
        case "empty" -> channel.truncate(0);
        case "values" -> channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), 5);
        default -> channel.write(ByteBuffer.wrap(new byte[] {1, 2, 3}), channel.size() - 40);
      }
    }
    assertThat(opened(model, cache())).isEqualTo(first);
    assertThat(made).hasValue(2);
    assertThat(opened(model, cache())).isEqualTo(first);
    assertThat(made).hasValue(2);
  }

  /** As with a full disk: what cannot be written is not kept, and all else is as before. */
  @Test
  void aFolderThatCannotBeWrittenIsDoneWithout() throws IOException {
    Map<String, String> first = opened(model, cache());
    Path blocked = Files.writeString(folder.resolve("blocked"), "a file");
    Int8Cache none = new Int8Cache(new KeptFiles(blocked, Long.MAX_VALUE), 0);
    assertThat(opened(model, none)).isEqualTo(first);
    assertThat(made).hasValue(2);
  }

  @Test
  void whatIsLargerThanTheLimitIsNotKept() {
    opened(model, new Int8Cache(new KeptFiles(kept(), 1000), 0));
    assertThat(kept()).doesNotExist();
  }

  @Test
  void aCancelledOpeningLeavesNothing() {
    Cancellation cancellation = new Cancellation();
    Int8Quantizer nearest = new Int8Quantizer(model, true, cancellation);
    assertThatThrownBy(
            () ->
                cache()
                    .open(
                        model,
                        true,
                        false,
                        cancellation,
                        () -> nearest,
                        source -> {
                          source.take(Int8Source.HEAD).values().close();
                          cancellation.cancel();
                          return source.take("qkv.0");
                        }))
        .isInstanceOf(CancelledException.class);
    assertThat(files()).isEmpty();
  }

  @Test
  void manyAtOnceGetTheSame() throws Exception {
    ExecutorService pool = Executors.newFixedThreadPool(4);
    try {
      List<Callable<Map<String, String>>> calls = new ArrayList<>();
      for (int i = 0; i < 8; i++) {
        calls.add(() -> opened(model, cache()));
      }
      List<Future<Map<String, String>>> all = pool.invokeAll(calls);
      for (Future<Map<String, String>> one : all) {
        assertThat(one.get()).isEqualTo(all.get(0).get());
      }
    } finally {
      pool.shutdownNow();
    }
    assertThat(files()).hasSize(1);
  }

  /**
   * What is made of fixed weights and inputs. Where this changes, {@link Int8Cache#VERSION} must be
   * raised with it: users have what the version before made.
   */
  @Test
  void theVersionIsThatOfTheseNumbers() {
    Random random = new Random(7);
    float[][] inputs = new float[300][96];
    float[][] weights = new float[130][96];
    for (float[][] rows : List.of(inputs, weights)) {
      for (float[] row : rows) {
        for (int i = 0; i < row.length; i++) {
          row[i] = (float) random.nextGaussian() + (i % 7 == 0 ? 2 : 0);
        }
      }
    }
    HadamardRotation.of(96).applyToAll(HadamardRotation.transposed(weights, 96));
    MessageDigest digest = Sha256.digest();
    for (boolean limits : new boolean[] {false, true}) {
      Int8Matrix matrix =
          GptqRounding.quantize(
              (from, count) ->
                  HadamardRotation.transposed(
                      java.util.Arrays.copyOfRange(weights, from, from + count), 96),
              weights.length,
              new float[0],
              limits,
              ActivationStatistics.of(inputs));
      digest.update(matrix.values().bytes());
      matrix.values().close();
    }
    assertThat(Int8Cache.VERSION + " " + Sha256.text(digest))
        .isEqualTo("1 8203b57b30bf8cab65e5baaf096eb29812c665e4872c4209200e1f31a58ff414");
  }
}
