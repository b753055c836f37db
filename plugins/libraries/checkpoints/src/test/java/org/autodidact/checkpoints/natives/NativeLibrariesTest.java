package org.autodidact.checkpoints.natives;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URL;
import java.net.URLClassLoader;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.jar.JarEntry;
import java.util.jar.JarOutputStream;
import org.autodidact.checkpoints.files.FileStamp;
import org.autodidact.checkpoints.natives.NativeLibraries.Library;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class NativeLibrariesTest {
  private static final String PROPERTY = "org.autodidact.test.native";

  @TempDir Path folder;

  private String before;

  @BeforeEach
  void ownCache() {
    before = System.getProperty("autodidact.cache");
    System.setProperty("autodidact.cache", folder.resolve("cache").toString());
  }

  @AfterEach
  void usersCache() {
    if (before == null) {
      System.clearProperty("autodidact.cache");
    } else {
      System.setProperty("autodidact.cache", before);
    }
    System.clearProperty(PROPERTY);
  }

  private URLClassLoader jar(String name, String content) throws Exception {
    Path jar = folder.resolve(name);
    try (JarOutputStream out = new JarOutputStream(Files.newOutputStream(jar))) {
      out.putNextEntry(new JarEntry("natives/libx.so"));
      out.write(content.getBytes(java.nio.charset.StandardCharsets.UTF_8));
    }
    return new URLClassLoader(new URL[] {jar.toUri().toURL()}, null);
  }

  /** What the property says while the library loads. */
  private static String load(ClassLoader loader) {
    return NativeLibraries.load(
        List.of(
            Library.unpacked(
                "x-1.0", loader, List.of("natives/libx.so", "natives/gpu.so"), PROPERTY)),
        () -> System.getProperty(PROPERTY, "nothing"));
  }

  @Test
  void theyAreUnpackedOnceByVersionAndContentAndNothingStaysSet() throws Exception {
    try (URLClassLoader one = jar("one.jar", "one");
        URLClassLoader other = jar("other.jar", "other")) {
      Path first = Path.of(load(one));
      assertThat(first.resolve("libx.so")).hasContent("one");
      assertThat(System.getProperty(PROPERTY)).isNull();
      long changed = FileStamp.of(first.resolve("libx.so")).modified();
      assertThat(load(one)).isEqualTo(first.toString());
      assertThat(FileStamp.of(first.resolve("libx.so")).modified()).isEqualTo(changed);
      Path second = Path.of(load(other));
      assertThat(second).isNotEqualTo(first);
      assertThat(second.resolve("libx.so")).hasContent("other");
      assertThat(NativeLibraries.deleteAll()).isPositive();
      assertThat(first).doesNotExist();
    }
  }

  @Test
  void whatWasCutIsUnpackedAgainAndWhatWasLeftHalfGoes() throws Exception {
    try (URLClassLoader loader = jar("one.jar", "one")) {
      Path unpacked = Path.of(load(loader));
      Files.writeString(unpacked.resolve("libx.so"), "o");
      Path half = Files.createDirectories(Path.of(unpacked + ".part-5"));
      assertThat(Path.of(load(loader)).resolve("libx.so")).hasContent("one");
      assertThat(half).doesNotExist();
    }
  }

  @Test
  void whatTheHostHasSetWins() throws Exception {
    System.setProperty(PROPERTY, "the host's");
    try (URLClassLoader loader = jar("one.jar", "one")) {
      assertThat(load(loader)).isEqualTo("the host's");
      assertThat(System.getProperty(PROPERTY)).isEqualTo("the host's");
    }
  }

  @Test
  void withoutACacheTheLibraryIsLeftToItself() throws Exception {
    Files.writeString(folder.resolve("cache"), "a file, no folder");
    try (URLClassLoader loader = jar("one.jar", "one")) {
      assertThat(load(loader)).isEqualTo("nothing");
    }
  }

  @Test
  void whatALibraryLeftHalfUnpackedGoesBeforeItUnpacksAgain() throws Exception {
    try (URLClassLoader loader = jar("one.jar", "one")) {
      Library library = Library.unpacking("y", loader, "natives/libx.so", "tmp", PROPERTY);
      Path own =
          Path.of(
              NativeLibraries.load(List.of(library), () -> System.getProperty(PROPERTY, "none")));
      Path half = Files.createDirectories(own.resolve("engine/tmp123"));
      Path whole = Files.createDirectories(own.resolve("engine/1.0-cpu"));
      NativeLibraries.load(List.of(library), () -> true);
      assertThat(half).doesNotExist();
      assertThat(whole).isDirectory();
    }
  }
}
