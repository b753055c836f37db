package org.autodidact.pytorch;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.List;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.autodidact.api.CancelledException;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingRequest;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TensorInfo;

/**
 * A hash of all that decides what a training ends with: weights, tokenizer and chat template,
 * examples, settings, arithmetic, seed.
 */
final class Fingerprint {
  private Fingerprint() {}

  /**
   * Reads all of the base's files.
   *
   * @param stopped asked between pieces: then it ends by a {@link CancelledException}
   */
  static String of(
      TrainingRequest request, ModelFolder base, boolean bf16, BooleanSupplier stopped) {
    MessageDigest digest;
    try {
      digest = MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
    put(digest, base.config());
    put(digest, request.settings());
    put(digest, bf16 ? "bf16" : "fp32");
    put(digest, request.seed());
    request.examples().forEach(e -> put(digest, e));
    put(digest, "held out");
    request.heldOut().forEach(e -> put(digest, e));
    TreeSet<Path> files = new TreeSet<>();
    for (TensorInfo tensor : base.tensors().values()) {
      files.add(tensor.file());
    }
    for (String name : List.of("tokenizer.json", "tokenizer_config.json", "chat_template.jinja")) {
      Path file = request.base().folder().resolve(name);
      if (Files.exists(file)) {
        files.add(file);
      }
    }
    files.forEach(file -> put(digest, file, stopped));
    return HexFormat.of().formatHex(digest.digest());
  }

  private static void put(MessageDigest digest, Object value) {
    digest.update(value.toString().getBytes(StandardCharsets.UTF_8));
    digest.update((byte) 0);
  }

  private static void put(MessageDigest digest, Path file, BooleanSupplier stopped) {
    try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ)) {
      ByteBuffer buffer = ByteBuffer.allocate(1 << 20);
      while (channel.read(buffer) >= 0) {
        if (stopped.getAsBoolean()) {
          throw new CancelledException();
        }
        digest.update(buffer.flip());
        buffer.clear();
      }
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
  }
}
