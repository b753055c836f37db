package org.autodidact.checkpoints.safetensors;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import java.util.Random;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TinyModel;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

class SafetensorsTest {
  @TempDir Path folder;

  private static byte[] file(String header, int dataBytes) {
    byte[] json = header.getBytes(StandardCharsets.UTF_8);
    return ByteBuffer.allocate(8 + json.length + dataBytes)
        .order(ByteOrder.LITTLE_ENDIAN)
        .putLong(json.length)
        .put(json)
        .array();
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = ';',
      value = {
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]}};4;within the 4",
        "{'a':{'dtype':'F32','shape':[3],'data_offsets':[0,8]}};8;takes 12 bytes",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[8,0]}};8;expected bytes within",
        "{'a':{'dtype':'I63','shape':[1],'data_offsets':[0,8]}};8;element type I63",
        "{'a':{'dtype':'F32','shape':[1],'data_offsets':[0,4]},'a':{'dtype':'F32','shape':[1],'data_offsets':[4,8]}};8;'a' twice",
        "{'a':{'dtype':'F32','shape':[-1],'data_offsets':[0,8]}};8;no shape",
        "{'a':{'dtype':'F32','shape':[9223372036854775807],'data_offsets':[0,8]}};8;too large",
        "{'a':{'dtype':'F32','shape':[2],'data_offsets':[0,8]},'b':{'dtype':'F32','shape':[2],'data_offsets':[4,12]}};12;overlap",
        "{'a':5};0;expected dtype",
        "not json;0;not JSON",
      })
  void aHeaderThatLiesIsNamed(String header, int dataBytes, String message) throws Exception {
    Path file =
        Files.write(
            folder.resolve("model.safetensors"), file(header.replace('\'', '"'), dataBytes));
    assertThatThrownBy(() -> Safetensors.read(file))
        .isInstanceOfAny(InvalidInputException.class, UnsupportedModelException.class)
        .hasMessageContaining("model.safetensors")
        .hasMessageContaining(message);
  }

  @Test
  void aTruncatedFileIsNamed() throws Exception {
    Path file = folder.resolve("model.safetensors");
    Files.write(file, new byte[] {1, 2, 3});
    assertThatThrownBy(() -> Safetensors.read(file)).hasMessageContaining("truncated");
    Files.write(file, new byte[] {0, 0, 0, 0, 0, 0, 0, 127, 1});
    assertThatThrownBy(() -> Safetensors.read(file)).hasMessageContaining("truncated");
  }

  @Property(tries = 300)
  void damagedFilesAreRefused(@ForAll long seed) throws Exception {
    byte[] bytes = file("{\"a\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}", 16);
    Random random = new Random(seed);
    for (int i = 0; i < 1 + random.nextInt(4); i++) {
      bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
    }
    Path file = Files.createTempFile("damaged", ".safetensors");
    try {
      Files.write(file, bytes);
      Safetensors.read(file)
          .tensors()
          .forEach(t -> assertThat(t.offset() + t.byteLength()).isLessThanOrEqualTo(bytes.length));
    } catch (AutodidactException e) {
      assertThat(e).hasMessageContaining(file.getFileName().toString());
    } finally {
      Files.delete(file);
    }
  }

  @Test
  void aWrittenFolderReadsBack() {
    Path base = TinyModel.write(folder.resolve("base"), 1);
    try (ModelFolder model = ModelFolder.open(base)) {
      TensorInfo norm = model.tensor("model.norm.weight");
      assertThat(model.floats(norm)).hasSize(32).containsOnly(1f);
      assertThat(norm.offset() % 4).isZero();
      Path copy = folder.resolve("copy");
      model.writeWithWeights(
          copy,
          Map.of(
              "model.norm.weight", new WeightSource(List.of(32L), () -> ByteBuffer.allocate(128))),
          Map.of("more.txt", new byte[] {65}));
      assertThat(copy.resolve("more.txt")).hasContent("A");
      assertThatThrownBy(() -> model.writeWithWeights(copy, Map.of(), Map.of()))
          .hasMessageContaining("exists already");
    }
  }

  @Test
  void whatCannotBeWrittenLeavesNothing() {
    Path base = TinyModel.write(folder.resolve("base"), 1);
    try (ModelFolder model = ModelFolder.open(base)) {
      Path copy = folder.resolve("copy");
      WeightSource broken =
          new WeightSource(
              List.of(1L),
              () -> {
                throw new java.io.UncheckedIOException(
                    new java.io.IOException("No space left on device"));
              });
      assertThatThrownBy(() -> model.writeWithWeights(copy, Map.of("a", broken), Map.of()))
          .isInstanceOf(StorageException.class)
          .hasMessageContaining("No space left on device")
          .hasMessageContaining("copy");
      assertThat(folder).isDirectoryNotContaining("glob:**copy*");
    }
  }

  @Test
  void missingPartsAreNamed() throws Exception {
    Path base = TinyModel.write(folder.resolve("base"), 1);
    Files.delete(base.resolve("model.safetensors"));
    assertThatThrownBy(() -> ModelFolder.open(base))
        .hasMessageContaining("model.safetensors: missing");
    Files.delete(base.resolve("config.json"));
    assertThatThrownBy(() -> ModelFolder.open(base)).hasMessageContaining("config.json: missing");
    assertThatThrownBy(() -> ModelFolder.open(folder.resolve("none")))
        .hasMessageContaining("found nothing");
  }

  @Test
  void anotherArchitectureIsNamed() throws Exception {
    Path base = TinyModel.write(folder.resolve("base"), 1);
    Path config = base.resolve("config.json");
    Files.writeString(config, Files.readString(config).replace("\"llama\"", "\"mamba\""));
    assertThatThrownBy(() -> ModelFolder.open(base))
        .isInstanceOf(UnsupportedModelException.class)
        .hasMessageContaining("mamba")
        .hasMessageContaining("llama");
  }
}
