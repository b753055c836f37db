package org.autodidact.checkpoints;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class PartFolderTest {
  @TempDir Path folder;

  @Test
  void whatIsWrittenAppearsWholeAndNothingElseStays() throws Exception {
    Path target = folder.resolve("M1");
    try (PartFolder part = PartFolder.beside(target)) {
      Files.writeString(part.path().resolve("config.json"), "{}");
      assertThat(target).doesNotExist();
      part.finish();
    }
    assertThat(target.resolve("config.json")).hasContent("{}");
    assertThat(Folders.entries(folder)).containsExactly(target);
  }

  @Test
  void whatIsNotFinishedGoes() throws Exception {
    try (PartFolder part = PartFolder.beside(folder.resolve("M1"))) {
      Files.writeString(part.path().resolve("config.json"), "{}");
    }
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void whatAKilledProcessLeftGoesAndWhatIsWrittenStays() throws Exception {
    Path dead = Files.createDirectories(folder.resolve("M1.part-1a2b"));
    Files.writeString(dead.resolve("model.safetensors"), "half");
    Files.createFile(folder.resolve("M1.part-1a2b.lock"));
    Files.createDirectories(folder.resolve("M2-future.part-77")); // of an earlier version
    Files.createFile(folder.resolve("M3.part-9.lock"));
    Path mine = Files.createDirectories(folder.resolve("my.part-of-it"));
    try (PartFolder part = PartFolder.beside(folder.resolve("M4"))) {
      PartFolder.removeDead(folder);
      assertThat(part.path()).isDirectory();
      assertThat(Folders.entries(folder))
          .contains(mine, part.path())
          .noneMatch(p -> p.getFileName().toString().matches("(M1|M2-future|M3).*"));
      part.finish();
    }
    assertThat(Folders.entries(folder)).containsExactly(folder.resolve("M4"), mine);
  }

  @Test
  void anotherWriterOfTheSameFolderRemovesWhatWasLeftOfItsOwnOnly() throws Exception {
    Files.createDirectories(folder.resolve("out.part-1"));
    Path other = Files.createDirectories(folder.resolve("other.part-1"));
    PartFolder.beside(folder.resolve("out")).close();
    assertThat(Folders.entries(folder)).containsExactly(other);
  }
}
