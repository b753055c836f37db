package org.autodidact.checkpoints.files;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Comparator;
import java.util.List;
import java.util.stream.Stream;
import org.autodidact.api.StorageException;

/** Folders that appear or vanish as wholes. */
public final class AtomicFolders {
  private AtomicFolders() {}

  /** Forces a folder's entries to disk, where the system lets a folder be opened. */
  public static void force(Path folder) {
    try (FileChannel channel = FileChannel.open(folder, StandardOpenOption.READ)) {
      channel.force(true);
    } catch (IOException e) {
      // Windows opens no folder; a rename is durable there without.
    }
  }

  /** What lies in a folder, by name; nothing where there is no such folder. */
  public static List<Path> entries(Path folder) {
    if (!Files.isDirectory(folder)) {
      return List.of();
    }
    try (Stream<Path> entries = Files.list(folder)) {
      return entries.sorted().toList();
    } catch (IOException e) {
      throw new StorageException(folder + ": cannot be read: " + e, e);
    }
  }

  /** Deletes a folder and all in it; does nothing where there is none. */
  public static void deleteIfThere(Path folder) {
    if (!Files.exists(folder)) {
      return;
    }
    try (Stream<Path> walk = Files.walk(folder)) {
      List<Path> deepestFirst = walk.sorted(Comparator.reverseOrder()).toList();
      for (Path path : deepestFirst) {
        Files.deleteIfExists(path);
      }
    } catch (IOException e) {
      throw new StorageException(folder + ": cannot be deleted: " + e, e);
    }
  }
}
