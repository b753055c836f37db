package org.autodidact.checkpoints.files;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.List;
import java.util.Optional;
import java.util.stream.LongStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.StorageException;

/**
 * SHA-256 of files, and of files above 64 MiB that of their parts' hashes, remembered in a folder:
 * a file is hashed once, and again when the file system says that it is another ({@link
 * FileStamp}). Processes may share the folder.
 */
public final class KnownHashes {
  /** Parts of large files are hashed beside each other. */
  private static final long PART_BYTES = 64L << 20;

  /** Digits of a hash. */
  private static final int HEX = 64;

  private final Path folder;

  public KnownHashes(Path folder) {
    this.folder = folder;
  }

  /** The hash of a file's content. Where it cannot be remembered, it is computed again. */
  public String of(Path file, Cancellation cancellation) {
    Path real = real(file);
    FileStamp stamp = FileStamp.of(real);
    String state =
        String.join(
            " ",
            Long.toString(stamp.size()),
            Long.toString(stamp.modified()),
            Long.toString(stamp.changed()),
            Long.toString(stamp.inode()),
            real.toString());
    Path note = note(real);
    Optional<String> seen = stamp.isSure() ? seen(note, state) : Optional.empty();
    return seen.orElseGet(() -> remember(note, hash(real, stamp.size(), cancellation), state));
  }

  private static String hash(Path file, long size, Cancellation cancellation) {
    if (size <= PART_BYTES) {
      return Sha256.of(file, cancellation);
    }
    List<String> parts =
        LongStream.range(0, (size + PART_BYTES - 1) / PART_BYTES)
            .parallel()
            .mapToObj(i -> Sha256.of(file, i * PART_BYTES, PART_BYTES, cancellation))
            .toList();
    MessageDigest digest = Sha256.digest();
    parts.forEach(part -> digest.update(part.getBytes(StandardCharsets.US_ASCII)));
    return Sha256.text(digest);
  }

  private static Path real(Path file) {
    try {
      return file.toRealPath();
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
  }

  private String remember(Path note, String hash, String state) {
    try {
      Files.createDirectories(folder);
      Path half = note.resolveSibling(note.getFileName() + "." + ProcessHandle.current().pid());
      Files.writeString(half, hash + " " + state);
      Files.move(half, note, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      // A full disk, or a folder that may not be written.
    }
    return hash;
  }

  private Path note(Path real) {
    MessageDigest name = Sha256.digest();
    name.update(real.toString().getBytes(StandardCharsets.UTF_8));
    return folder.resolve(Sha256.text(name) + ".seen");
  }

  /** The hash in a note, where it was of this state. */
  private static Optional<String> seen(Path note, String state) {
    try {
      return Files.isRegularFile(note)
          ? Optional.of(Files.readString(note))
              .filter(text -> text.indexOf(' ') == HEX && text.substring(HEX + 1).equals(state))
              .map(text -> text.substring(0, HEX))
          : Optional.empty();
    } catch (IOException e) {
      return Optional.empty(); // cut off: the file is hashed again
    }
  }

  /** Forgets all files. */
  public void forget() {
    AtomicFolders.deleteIfThere(folder);
  }
}
