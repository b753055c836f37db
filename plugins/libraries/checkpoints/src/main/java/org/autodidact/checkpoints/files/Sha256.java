package org.autodidact.checkpoints.files;

import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.SeekableByteChannel;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import org.autodidact.api.Cancellation;
import org.autodidact.api.CancelledException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;

/** SHA-256, as 64 lower-case hexadecimal digits. */
public final class Sha256 {
  private static final int CHUNK_BYTES = 1 << 16;

  private Sha256() {}

  /** A digest to be fed. */
  public static MessageDigest digest() {
    try {
      return MessageDigest.getInstance("SHA-256");
    } catch (NoSuchAlgorithmException e) {
      throw new LinkageError("every Java has SHA-256", e);
    }
  }

  /** A finished digest as 64 lower-case hexadecimal digits. */
  public static String text(MessageDigest digest) {
    return HexFormat.of().formatHex(digest.digest());
  }

  /** The SHA-256 of a file's content. */
  public static String of(Path file) {
    return of(file, new Cancellation());
  }

  /**
   * The SHA-256 of a file's content.
   *
   * @throws CancelledException once {@code cancellation} is set; not later than 64 KiB after
   */
  public static String of(Path file, Cancellation cancellation) {
    return of(file, 0, Long.MAX_VALUE, cancellation);
  }

  /**
   * The SHA-256 of at most {@code length} bytes of a file.
   *
   * @throws CancelledException once {@code cancellation} is set; not later than 64 KiB after
   */
  public static String of(Path file, long from, long length, Cancellation cancellation) {
    MessageDigest digest = digest();
    update(digest, file, from, length, cancellation::throwIfCancelled);
    return text(digest);
  }

  /**
   * Adds a file's content to a digest.
   *
   * @param between called between pieces of 64 KiB, may throw
   */
  public static void update(MessageDigest digest, Path file, Runnable between) {
    update(digest, file, 0, Long.MAX_VALUE, between);
  }

  private static void update(
      MessageDigest digest, Path file, long from, long length, Runnable between) {
    try (SeekableByteChannel in = Files.newByteChannel(file).position(from)) {
      ByteBuffer chunk = ByteBuffer.allocate(CHUNK_BYTES);
      for (long left = length; left > 0; left -= chunk.limit()) {
        chunk.clear().limit((int) Math.min(CHUNK_BYTES, left));
        if (in.read(chunk) < 0) {
          return;
        }
        between.run();
        digest.update(chunk.flip());
      }
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such file", e);
    } catch (IOException e) {
      throw StorageException.of(file + ": cannot be read: " + e, e);
    }
  }
}
