package org.autodidact.checkpoints.files;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;

/**
 * The limit on what models take in the cache, in GB (10^9 bytes): a line in a file of it. Imported
 * models may take all of it, quantized ones half as much besides.
 */
public final class CacheLimit {
  private static final double DEFAULT_GB = 20;
  private static final double BYTES = 1e9;

  private CacheLimit() {}

  private static Path file() {
    return CacheFolder.root().resolve("limit-gb");
  }

  /** What imported models may take, in bytes. */
  public static long bytes() {
    return (long) (gigabytes() * BYTES);
  }

  /** What quantized models may take, in bytes. */
  public static long quantizedBytes() {
    return bytes() / 2;
  }

  public static double gigabytes() {
    Path file = file();
    if (!Files.isRegularFile(file)) {
      return DEFAULT_GB;
    }
    try {
      return checked(Double.parseDouble(Files.readString(file).strip()));
    } catch (IOException | NumberFormatException e) {
      throw new StorageException(
          file + ": expected a number of gigabytes: " + e + "; 'autodidact cache limit 20' sets it",
          e);
    }
  }

  public static void set(double gigabytes) {
    Path file = file();
    try {
      Files.createDirectories(file.getParent());
      Files.writeString(file, checked(gigabytes) + "\n");
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be written: " + e, e);
    }
  }

  private static double checked(double gigabytes) {
    if (!(gigabytes >= 0 && gigabytes <= 1e6)) {
      throw new InvalidInputException(
          "the cache's limit must be from 0 to 1000000 GB, found " + gigabytes);
    }
    return gigabytes;
  }
}
