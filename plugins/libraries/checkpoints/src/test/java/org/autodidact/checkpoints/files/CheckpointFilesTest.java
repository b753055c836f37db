package org.autodidact.checkpoints.files;

import static org.assertj.core.api.Assertions.assertThat;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class CheckpointFilesTest {
  @TempDir Path folder;

  private void write(String... names) throws Exception {
    for (String name : names) {
      Files.writeString(folder.resolve(name), name);
    }
  }

  private static List<String> names(List<Path> files) {
    return files.stream().map(f -> f.getFileName().toString()).toList();
  }

  @Test
  void onlyKnownNamesAreAModelsAndNoLinkIsCopied() throws Exception {
    write("config.json", "model.safetensors", "model-00001-of-00002.safetensors", "passwd");
    write("model.safetensors.index.json", "chat_template.jinja", "training.json", ".safetensors");
    Path secret = Files.writeString(folder.resolve("id_rsa"), "secret");
    Files.createSymbolicLink(folder.resolve("tokenizer.json"), secret);
    assertThat(names(CheckpointFiles.ofModel(folder)))
        .containsExactly(
            "chat_template.jinja",
            "config.json",
            "model-00001-of-00002.safetensors",
            "model.safetensors",
            "model.safetensors.index.json",
            "tokenizer.json");
    assertThat(names(CheckpointFiles.toCopy(folder)))
        .containsExactly(
            "chat_template.jinja",
            "config.json",
            "model-00001-of-00002.safetensors",
            "model.safetensors",
            "model.safetensors.index.json",
            "training.json");
  }

  @Test
  void aPluginsOwnLayoutIsAllOfItsFiles() throws Exception {
    write("remote-model.txt", ".hidden");
    assertThat(names(CheckpointFiles.ofModel(folder))).containsExactly("remote-model.txt");
    assertThat(CheckpointFiles.toCopy(folder)).isEmpty();
  }
}
