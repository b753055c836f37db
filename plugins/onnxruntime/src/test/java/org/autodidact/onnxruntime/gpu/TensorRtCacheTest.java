package org.autodidact.onnxruntime.gpu;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.autodidact.api.StorageException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Engines that TensorRT would build are text files here: what is tested is when they are built. */
class TensorRtCacheTest {
  @TempDir Path folder;
  private int built;

  /** Builds where there is nothing, else loads; what is not an engine cannot be loaded. */
  private String engine(Path engines) throws IOException {
    Path file = engines.resolve("a.engine");
    if (!Files.exists(file)) {
      built++;
      Files.writeString(file, "engine");
    }
    String text = Files.readString(file);
    if (!text.equals("engine")) {
      throw new IllegalStateException("no engine: " + text);
    }
    return text;
  }

  private String open(String maker) throws Exception {
    return new TensorRtCache(folder.resolve("cache"), maker).open("key", this::engine);
  }

  @Test
  void aWholeEngineIsUsedAgain() throws Exception {
    open("1");
    open("1");
    assertThat(built).isEqualTo(1);
  }

  @Test
  void anotherVersionsEngineIsBuiltAnew() throws Exception {
    open("1");
    assertThat(open("2")).isEqualTo("engine");
    assertThat(built).isEqualTo(2);
    open("2");
    assertThat(built).isEqualTo(2);
  }

  @Test
  void anEngineWrittenHalfIsBuiltAnew() throws Exception {
    TensorRtCache cache = new TensorRtCache(folder.resolve("cache"), "1");
    assertThatThrownBy(
            () ->
                cache.open(
                    "key",
                    engines -> {
                      Files.writeString(engines.resolve("a.engine"), "eng");
                      throw new IllegalStateException("killed");
                    }))
        .hasMessage("killed");
    assertThat(open("1")).isEqualTo("engine");
    assertThat(built).isEqualTo(1);
  }

  @Test
  void anEngineThatDoesNotLoadIsBuiltAnew() throws Exception {
    open("1");
    Files.writeString(folder.resolve("cache/key/a.engine"), "broken");
    assertThat(open("1")).isEqualTo("engine");
    assertThat(built).isEqualTo(2);
  }

  @Test
  void theLeastRecentlyUsedGo() throws Exception {
    TensorRtCache cache = new TensorRtCache(folder.resolve("cache"), "1");
    for (String key : List.of("a", "b", "c", "d", "a", "e")) {
      cache.open(key, this::engine);
      Thread.sleep(20); // file times have milliseconds
    }
    try (Stream<Path> kept = Files.list(folder.resolve("cache"))) {
      assertThat(kept.filter(Files::isDirectory).map(p -> p.getFileName().toString()))
          .containsExactlyInAnyOrder("a", "c", "d", "e");
    }
  }

  @Test
  void aFolderThatCannotBeWrittenIsSaid() throws Exception {
    Files.writeString(folder.resolve("cache"), "a file");
    assertThatThrownBy(() -> open("1"))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("XDG_CACHE_HOME");
  }

  /** Two checkpoints of one shape differ in their weights alone. */
  @Test
  void anotherCheckpointIsAnotherEngine() {
    GpuSessions.Shapes shapes = new GpuSessions.Shapes("a:1", "a:2", "a:3");
    try (ModelFolder one = ModelFolder.open(TinyModel.write(folder.resolve("1"), 1));
        ModelFolder two = ModelFolder.open(TinyModel.write(folder.resolve("2"), 2))) {
      byte[] graph = ScoringGraph.build(one);
      assertThat(ScoringGraph.build(two)).isEqualTo(graph);
      assertThat(GpuSessions.key(one, graph, shapes))
          .isEqualTo(GpuSessions.key(one, graph, shapes));
      assertThat(GpuSessions.key(two, graph, shapes))
          .isNotEqualTo(GpuSessions.key(one, graph, shapes));
    }
  }
}
