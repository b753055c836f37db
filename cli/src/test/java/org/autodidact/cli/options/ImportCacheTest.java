package org.autodidact.cli.options;

import static org.assertj.core.api.Assertions.assertThat;

import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.attribute.FileTime;
import java.time.Instant;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.autodidact.checkpoints.gguf.Gguf;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/**
 * Imports belong to contents, are no more than there is room for, and go but when nobody uses them.
 */
class ImportCacheTest {
  @TempDir Path folder;
  private Path a;
  private Path b;

  /** Two files of one name, size and date, whose weights differ. */
  @BeforeEach
  void write() throws Exception {
    byte[] bytes;
    try (InputStream in = Gguf.class.getResourceAsStream("qwen2.gguf")) {
      bytes = in.readAllBytes();
    }
    a = Files.createDirectories(folder.resolve("a")).resolve("m.gguf");
    b = Files.createDirectories(folder.resolve("b")).resolve("m.gguf");
    Files.write(a, bytes);
    bytes[bytes.length - 1] ^= 1;
    Files.write(b, bytes);
    FileTime date = FileTime.from(Instant.parse("2026-01-01T00:00:00Z"));
    Files.setLastModifiedTime(a, date);
    Files.setLastModifiedTime(b, date);
  }

  private ImportCache cache(long limit) {
    return new ImportCache(folder.resolve("imported"), limit);
  }

  @Test
  void filesOfOneNameSizeAndDateShareNoImport() throws Exception {
    Path first = cache(Long.MAX_VALUE).folder(a);
    Path second = cache(Long.MAX_VALUE).folder(b);
    assertThat(first).isNotEqualTo(second);
    assertThat(cache(Long.MAX_VALUE).folder(a)).isEqualTo(first);
    Path copy = folder.resolve("another name.gguf");
    Files.copy(a, copy);
    assertThat(cache(Long.MAX_VALUE).folder(copy)).as("the same content").isEqualTo(first);
  }

  @Test
  void aFileThatIsWrittenOverIsImportedAgainThoughSizeAndDateArePutBack() throws Exception {
    Path first = cache(Long.MAX_VALUE).folder(a);
    FileTime date = Files.getLastModifiedTime(a);
    Files.write(a, Files.readAllBytes(b));
    Files.setLastModifiedTime(a, date);
    assertThat(cache(Long.MAX_VALUE).folder(a)).isNotEqualTo(first);
  }

  private Path made(String name, int hoursAgo) throws Exception {
    Path entry = Files.createDirectories(folder.resolve("imported").resolve(name));
    Files.write(entry.resolve("model.safetensors"), new byte[1000]);
    Path lock = Files.createFile(folder.resolve("imported").resolve(name + ".lock"));
    Files.setLastModifiedTime(
        lock, FileTime.from(Instant.now().minusSeconds(TimeUnit.HOURS.toSeconds(hoursAgo))));
    return entry;
  }

  @Test
  void whatWasUsedLongestAgoGoesFirstAndWhatIsInUseStays() throws Exception {
    Path oldest = made("one", 9);
    Path older = made("two", 8);
    Path recent = made("three", 1);
    assertThat(cache(0).entries())
        .extracting(ImportCache.Entry::folder)
        .containsExactly(recent, older, oldest);
    assertThat(cache(0).shrinkTo(2000)).isEqualTo(1000);
    assertThat(oldest).doesNotExist();
    assertThat(folder.resolve("imported/one.lock")).doesNotExist();
    assertThat(List.of(older, recent)).allSatisfy(p -> assertThat(p).isDirectory());
    Path used = cache(Long.MAX_VALUE).folder(a);
    Path half = Files.createDirectories(folder.resolve("imported/four.part-3"));
    cache(0).folder(b);
    assertThat(List.of(older, recent, half)).allSatisfy(p -> assertThat(p).doesNotExist());
    assertThat(used).isDirectory();
    assertThat(cache(0).entries()).allMatch(ImportCache.Entry::inUse).hasSize(2);
    assertThat(cache(0).shrinkTo(0)).isZero();
  }
}
