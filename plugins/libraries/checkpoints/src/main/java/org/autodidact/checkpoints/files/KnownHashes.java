package org.autodidact.checkpoints.files;

import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.util.Optional;
import org.autodidact.api.Cancellation;
import org.autodidact.api.StorageException;

/**
 * SHA-256 of files, remembered in a folder: a file is hashed once, and again when the file system
 * says that it is another ({@link FileStamp}). Processes may share the folder.
 */
public final class KnownHashes {
  private static final JsonMapper JSON = new JsonMapper();

  private final Path folder;

  public KnownHashes(Path folder) {
    this.folder = folder;
  }

  /** The stored state of a file. */
  private record Seen(
      String path, long size, long modified, long changed, long inode, String sha256) {
    FileStamp stamp() {
      return new FileStamp(size, modified, changed, inode);
    }
  }

  /** The SHA-256 of a file's content. Where it cannot be remembered, it is computed again. */
  public String of(Path file, Cancellation cancellation) {
    Path real = real(file);
    FileStamp stamp = FileStamp.of(real);
    Path note = note(real);
    Optional<Seen> seen = seen(note);
    if (stamp.isSure()
        && seen.isPresent()
        && seen.get().path().equals(real.toString())
        && stamp.equals(seen.get().stamp())) {
      return seen.get().sha256();
    }
    String hash = Sha256.of(real, cancellation);
    remember(
        note,
        new Seen(
            real.toString(), stamp.size(), stamp.modified(), stamp.changed(), stamp.inode(), hash));
    return hash;
  }

  private static Path real(Path file) {
    try {
      return file.toRealPath();
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    }
  }

  private void remember(Path note, Seen seen) {
    try {
      Files.createDirectories(folder);
      Path half = note.resolveSibling(note.getFileName() + "." + ProcessHandle.current().pid());
      Files.write(half, JSON.writeValueAsBytes(seen));
      Files.move(half, note, StandardCopyOption.ATOMIC_MOVE);
    } catch (IOException e) {
      // A full disk, or a folder that may not be written.
    }
  }

  private Path note(Path real) {
    MessageDigest name = Sha256.digest();
    name.update(real.toString().getBytes(StandardCharsets.UTF_8));
    return folder.resolve(Sha256.text(name) + ".json");
  }

  private static Optional<Seen> seen(Path note) {
    try {
      return Files.isRegularFile(note)
          ? Optional.of(JSON.readValue(note.toFile(), Seen.class))
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
