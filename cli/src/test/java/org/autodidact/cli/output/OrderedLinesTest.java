package org.autodidact.cli.output;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Files;
import java.nio.file.Path;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class OrderedLinesTest {
  @TempDir Path folder;

  @Test
  void whatWaitsForOthersIsOnTheDisk() throws Exception {
    Path file = folder.resolve("out.jsonl");
    Path waiting = folder.resolve("out.jsonl.waiting");
    try (OrderedLines lines = new OrderedLines(file)) {
      lines.put(2, "c");
      lines.put(1, "b");
      assertThat(file).isEmptyFile();
      assertThat(waiting).hasContent("\"c\"\n\"b\"");
      lines.put(0, "a");
      assertThat(file).hasContent("\"a\"\n\"b\"\n\"c\"");
      lines.put(4, "e");
    }
    assertThat(file).hasContent("\"a\"\n\"b\"\n\"c\"\n\"e\"");
    assertThat(waiting).doesNotExist();
  }

  @Test
  void whatCannotBeWrittenIsRefusedAtOnce() throws Exception {
    Path input = Files.writeString(folder.resolve("in.jsonl"), "{}");
    assertThatThrownBy(() -> new OrderedLines(folder))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("it is a folder");
    assertThatThrownBy(() -> new OrderedLines(folder.resolve("./in.jsonl"), input))
        .isInstanceOf(InvalidInputException.class)
        .hasMessageContaining("name another file");
    assertThatThrownBy(() -> new OrderedLines(input.resolve("out.jsonl")))
        .isInstanceOf(StorageException.class)
        .hasMessageContaining("no writable folder");
    assertThat(input).hasContent("{}");
  }
}
