package org.autodidact.checkpoints;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import org.autodidact.checkpoints.natives.DjlOffline;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.EnabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.api.io.TempDir;

/** The process belongs to the host. */
class HostTest {
  private static final List<String> PROPERTIES = List.of("ai.djl.offline", "OPT_OUT_TRACKING");

  @TempDir Path folder;

  @BeforeEach
  @AfterEach
  void clear() {
    PROPERTIES.forEach(System::clearProperty);
  }

  @Test
  @EnabledOnOs(OS.LINUX)
  void modelsThatAreClosedHoldNoFile() throws IOException {
    Path model = TinyModel.write(folder.resolve("m"), 1);
    for (int i = 0; i < 5; i++) {
      ModelFolder.open(model).close();
    }
    assertThat(openFiles()).noneMatch(file -> file.startsWith(model));
  }

  private static List<Path> openFiles() throws IOException {
    try (Stream<Path> descriptors = Files.list(Path.of("/proc/self/fd"))) {
      return descriptors.map(HostTest::target).toList();
    }
  }

  private static Path target(Path descriptor) {
    try {
      return Files.readSymbolicLink(descriptor);
    } catch (IOException e) {
      return descriptor; // closed by now: the list's own
    }
  }

  @Test
  void openingAModelLeavesNoPropertyBehind() {
    ModelFolder.open(TinyModel.write(folder.resolve("m"), 1)).close();
    assertThat(PROPERTIES).allMatch(name -> System.getProperty(name) == null);
  }

  @Test
  void whatTheHostHasSetStays() {
    System.setProperty("ai.djl.offline", "false");
    String within =
        DjlOffline.during(() -> DjlOffline.during(() -> "") + System.getProperty("ai.djl.offline"));
    assertThat(within).isEqualTo("true");
    assertThat(System.getProperty("ai.djl.offline")).isEqualTo("false");
    assertThat(System.getProperty("OPT_OUT_TRACKING")).isNull();
  }

  @Test
  void aFailureLeavesNoPropertyEither() {
    assertThatThrownBy(
            () ->
                DjlOffline.during(
                    () -> {
                      throw new UncheckedIOException(new IOException("no"));
                    }))
        .isInstanceOf(UncheckedIOException.class);
    assertThat(PROPERTIES).allMatch(name -> System.getProperty(name) == null);
  }
}
