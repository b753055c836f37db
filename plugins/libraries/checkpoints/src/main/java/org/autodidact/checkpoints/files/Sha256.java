package org.autodidact.checkpoints.files;

import java.io.IOException;
import java.io.InputStream;
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
    MessageDigest digest = digest();
    update(digest, file, cancellation::throwIfCancelled);
    return text(digest);
  }

  /**
   * Adds a file's content to a digest.
   *
   * @param between called between pieces of 64 KiB, may throw
   */
  public static void update(MessageDigest digest, Path file, Runnable between) {
    try (InputStream in = Files.newInputStream(file)) {
      byte[] chunk = new byte[CHUNK_BYTES];
      for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
        between.run();
        digest.update(chunk, 0, read);
      }
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such file", e);
    } catch (IOException e) {
      throw StorageException.of(file + ": cannot be read: " + e, e);
    }
  }
}
