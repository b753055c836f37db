package org.autodidact.checkpoints.files;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class StagedFolderTest {
  @TempDir Path folder;

  @Test
  void whatIsWrittenAppearsWholeAndNothingElseStays() throws Exception {
    Path target = folder.resolve("M1");
    try (StagedFolder part = StagedFolder.beside(target)) {
      Files.writeString(part.path().resolve("config.json"), "{}");
      assertThat(target).doesNotExist();
      part.finish();
    }
    assertThat(target.resolve("config.json")).hasContent("{}");
    assertThat(AtomicFolders.entries(folder)).containsExactly(target);
  }

  @Test
  void whatIsNotFinishedGoes() throws Exception {
    try (StagedFolder part = StagedFolder.beside(folder.resolve("M1"))) {
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
    try (StagedFolder part = StagedFolder.beside(folder.resolve("M4"))) {
      StagedFolder.removeDead(folder);
      assertThat(part.path()).isDirectory();
      assertThat(AtomicFolders.entries(folder))
          .contains(mine, part.path())
          .noneMatch(p -> p.getFileName().toString().matches("(M1|M2-future|M3).*"));
      part.finish();
    }
    assertThat(AtomicFolders.entries(folder)).containsExactly(folder.resolve("M4"), mine);
  }

  @Test
  void anotherWriterOfTheSameFolderRemovesWhatWasLeftOfItsOwnOnly() throws Exception {
    Files.createDirectories(folder.resolve("out.part-1"));
    Path other = Files.createDirectories(folder.resolve("other.part-1"));
    StagedFolder.beside(folder.resolve("out")).close();
    assertThat(AtomicFolders.entries(folder)).containsExactly(other);
  }
}
