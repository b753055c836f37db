package org.autodidact.checkpoints.files;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.HashSet;
import java.util.Set;
import org.autodidact.api.Cancellation;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class KeptFilesTest {
  @TempDir Path folder;

  private void write(KeptFiles files, String name, int bytes) throws IOException {
    try (KeptFiles.Part part = files.begin(name)) {
      part.channel().write(ByteBuffer.allocate(bytes));
      part.finish();
    }
  }

  @Test
  void aFileIsThereOnceItIsFinished() throws IOException {
    KeptFiles files = new KeptFiles(folder, 100);
    try (KeptFiles.Part part = files.begin("a")) {
      part.channel().write(ByteBuffer.allocate(10));
      assertThat(files.open("a")).isEmpty();
      assertThat(files.entries()).isEmpty();
    }
    assertThat(folder).isEmptyDirectory();
    write(files, "a", 10);
    try (FileChannel channel = files.open("a").orElseThrow()) {
      assertThat(channel.size()).isEqualTo(10);
    }
  }

  @Test
  void whatWasUsedLongestAgoGoes() throws IOException {
    KeptFiles files = new KeptFiles(folder, 25);
    write(files, "a", 10);
    write(files, "b", 10);
    Files.setLastModifiedTime(folder.resolve("a"), FileTime.from(Instant.EPOCH));
    Files.setLastModifiedTime(folder.resolve("b"), FileTime.from(Instant.EPOCH.plusSeconds(1)));
    files.open("a").orElseThrow().close();
    write(files, "c", 10);
    assertThat(files.open("b")).isEmpty();
    assertThat(files.entries()).hasSize(2);
    assertThat(files.shrinkTo(0)).isEqualTo(20);
  }

  @Test
  void whatADeadProcessLeftIsDeleted() throws IOException {
    Path left = folder.resolve("a.part-0-1");
    Files.write(left, new byte[5]);
    write(new KeptFiles(folder, 25), "b", 1);
    assertThat(left).doesNotExist();
  }

  @Test
  void aFileIsHashedAgainWhenItHasChanged() throws IOException {
    Path file = folder.resolve("weights");
    KnownHashes hashes = new KnownHashes(folder.resolve("seen"));
    Files.writeString(file, "one");
    String one = hashes.of(file, new Cancellation());
    FileTime date = Files.getLastModifiedTime(file);
    assertThat(hashes.of(file, new Cancellation())).isEqualTo(one).isEqualTo(Sha256.of(file));
    Files.writeString(file, "two");
    Files.setLastModifiedTime(file, date);
    assertThat(hashes.of(file, new Cancellation())).isNotEqualTo(one).isEqualTo(Sha256.of(file));
  }

  @Test
  void aLargeFilesHashIsOfAllItsParts() throws IOException {
    long part = 64L << 20;
    Path file = folder.resolve("large");
    KnownHashes hashes = new KnownHashes(folder.resolve("seen"));
    Set<String> found = new HashSet<>();
    for (long at : new long[] {0, part - 1, part, part + 4}) {
      Files.deleteIfExists(file);
      try (FileChannel channel =
          FileChannel.open(file, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        channel.write(ByteBuffer.wrap(new byte[] {1}), part + 5);
        channel.write(ByteBuffer.wrap(new byte[] {2}), at);
      }
      found.add(hashes.of(file, new Cancellation()));
    }
    assertThat(found).hasSize(4);
  }
}
