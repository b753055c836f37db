package org.autodidact.checkpoints.natives;

import java.io.IOException;
import java.io.InputStream;
import java.net.JarURLConnection;
import java.net.URL;
import java.net.URLConnection;
import java.nio.channels.FileChannel;
import java.nio.channels.OverlappingFileLockException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.function.Supplier;
import java.util.jar.JarEntry;
import java.util.stream.Stream;
import java.util.zip.CRC32;
import org.autodidact.api.StorageException;
import org.autodidact.checkpoints.files.AtomicFolders;
import org.autodidact.checkpoints.files.CacheFolder;
import org.autodidact.checkpoints.files.StagedFolder;

/**
 * Native libraries of others' jars, unpacked once for all processes into the {@link CacheFolder}:
 * by themselves these libraries unpack into the temporary folder in each process, and leave it
 * there when the process is killed, or always. A folder is named by library, version and a checksum
 * of what is in the jars, appears whole or not at all, and is used by all processes at once.
 *
 * <p>What a host has set itself is left as it is. What is set here is set while a library loads,
 * and taken back after. Where the cache cannot be written the libraries do as they always did.
 */
public final class NativeLibraries {
  private static final System.Logger LOGGER = System.getLogger(NativeLibraries.class.getName());

  private NativeLibraries() {}

  /**
   * A library's files and the properties by which it is told where they are.
   *
   * @param properties where one of them is set, as a property or in the environment, the host has
   *     decided, and nothing is done; the first is set to the folder of the files
   */
  public record Library(List<String> properties, Unpacking unpacking) {
    /**
     * A library whose files are unpacked here.
     *
     * @param name for the folder, with the version
     * @param resources names in jars; those that are not there are left out, as other platforms'
     *     are
     */
    public static Library unpacked(
        String name, ClassLoader loader, List<String> resources, String... properties) {
      return new Library(
          List.of(properties), () -> NativeLibraries.unpacked(name, loader, resources));
    }

    /**
     * A library that unpacks itself into the folder that it is told, each file or folder at first
     * under another name, which a killed process leaves there.
     *
     * @param resource a file of it, whose checksum is a part of the folder's name
     * @param temporary how those names begin, one folder down
     */
    public static Library unpacking(
        String name, ClassLoader loader, String resource, String temporary, String... properties) {
      return new Library(
          List.of(properties), () -> NativeLibraries.folder(name, loader, resource, temporary));
    }

    private boolean isSetByHost() {
      return properties.stream()
          .anyMatch(p -> System.getProperty(p) != null || System.getenv(p) != null);
    }
  }

  /** Makes a library's folder; nothing where the class path has no such library. */
  @FunctionalInterface
  public interface Unpacking {
    Optional<Path> folder() throws IOException;
  }

  /**
   * Loads libraries: one caller after another in this process, and among processes, so that none
   * meets what another has half unpacked.
   */
  public static synchronized <T> T load(List<Library> libraries, Supplier<T> loading) {
    List<String> set = new ArrayList<>();
    Optional<FileChannel> lock = Optional.empty();
    try {
      try {
        Path cache = Files.createDirectories(CacheFolder.of(CacheFolder.NATIVES));
        lock = Optional.of(locked(cache.resolve(".lock")));
        for (Library library : libraries) {
          if (!library.isSetByHost()) {
            String property = library.properties().get(0);
            library
                .unpacking()
                .folder()
                .ifPresent(
                    folder -> {
                      System.setProperty(property, folder.toString());
                      set.add(property);
                    });
          }
        }
      } catch (IOException | StorageException e) {
        LOGGER.log(
            System.Logger.Level.DEBUG,
            "native libraries cannot be kept in the cache, and are unpacked for this process: "
                + e);
      }
      return loading.get();
    } finally {
      set.forEach(System::clearProperty);
      lock.ifPresent(NativeLibraries::close);
    }
  }

  /**
   * Deletes the libraries, which processes that have loaded them keep.
   *
   * @return the bytes that were freed, where the file system frees them at once
   */
  @SuppressWarnings("try") // the lock is held, not used
  public static synchronized long deleteAll() {
    Path cache = CacheFolder.of(CacheFolder.NATIVES);
    if (!Files.isDirectory(cache)) {
      return 0;
    }
    long bytes = 0;
    try (FileChannel lock = locked(cache.resolve(".lock"))) {
      for (Path entry : AtomicFolders.entries(cache)) {
        if (Files.isDirectory(entry)) {
          try (Stream<Path> files = Files.walk(entry)) {
            bytes += files.mapToLong(file -> file.toFile().length()).sum();
          }
          AtomicFolders.deleteIfThere(entry);
        }
      }
    } catch (IOException e) {
      throw StorageException.of(cache + ": cannot be deleted: " + e, e);
    }
    return bytes;
  }

  private static FileChannel locked(Path file) throws IOException {
    FileChannel channel =
        FileChannel.open(file, StandardOpenOption.CREATE, StandardOpenOption.WRITE);
    boolean locked = false;
    try {
      while (!locked) {
        try {
          channel.lock(); // until the channel is closed
          locked = true;
        } catch (OverlappingFileLockException e) {
          // Another copy of this class, as containers have, loads now.
          Thread.onSpinWait();
        }
      }
    } finally {
      if (!locked) {
        channel.close();
      }
    }
    return channel;
  }

  private static void close(FileChannel channel) {
    try {
      channel.close();
    } catch (IOException e) {
      throw new StorageException("the cache's lock cannot be given back: " + e, e);
    }
  }

  private static Optional<Path> folder(
      String name, ClassLoader loader, String resource, String temporary) throws IOException {
    Map<String, URL> found = found(loader, List.of(resource));
    if (found.isEmpty()) {
      return Optional.empty();
    }
    Path folder =
        Files.createDirectories(
            CacheFolder.of(CacheFolder.NATIVES).resolve(name + "-" + checksum(found)));
    for (Path inner : AtomicFolders.entries(folder)) {
      for (Path entry : AtomicFolders.entries(inner)) {
        if (entry.getFileName().toString().startsWith(temporary)) {
          AtomicFolders.deleteIfThere(entry);
        }
      }
    }
    return Optional.of(folder);
  }

  private static Optional<Path> unpacked(String name, ClassLoader loader, List<String> resources)
      throws IOException {
    Map<String, URL> found = found(loader, resources);
    if (found.isEmpty()) {
      return Optional.empty();
    }
    Path folder = CacheFolder.of(CacheFolder.NATIVES).resolve(name + "-" + checksum(found));
    if (Files.isDirectory(folder) && isWhole(folder, found)) {
      return Optional.of(folder);
    }
    AtomicFolders.deleteIfThere(folder);
    try (StagedFolder part = StagedFolder.beside(folder)) {
      for (Map.Entry<String, URL> file : found.entrySet()) {
        try (InputStream in = file.getValue().openStream()) {
          Files.copy(in, part.path().resolve(file.getKey()));
        }
      }
      part.finish();
    }
    return Optional.of(folder);
  }

  private static boolean isWhole(Path folder, Map<String, URL> files) throws IOException {
    for (Map.Entry<String, URL> file : files.entrySet()) {
      Path path = folder.resolve(file.getKey());
      long size = file.getValue().openConnection().getContentLengthLong();
      if (!Files.isRegularFile(path) || (size >= 0 && Files.size(path) != size)) {
        return false;
      }
    }
    return true;
  }

  /** By the file's name, without the folder. */
  private static Map<String, URL> found(ClassLoader loader, List<String> resources) {
    Map<String, URL> found = new LinkedHashMap<>();
    for (String resource : resources) {
      URL url = loader.getResource(resource);
      if (url != null) {
        found.put(resource.substring(resource.lastIndexOf('/') + 1), url);
      }
    }
    return found;
  }

  /** CRC-32 over the files' checksums: the jar directory's, or else of the content itself. */
  private static String checksum(Map<String, URL> files) throws IOException {
    CRC32 all = new CRC32();
    List<String> each = new ArrayList<>();
    for (Map.Entry<String, URL> file : files.entrySet()) {
      URLConnection connection = file.getValue().openConnection();
      JarEntry entry = connection instanceof JarURLConnection jar ? jar.getJarEntry() : null;
      each.add(
          file.getKey()
              + " "
              + (entry == null || entry.getCrc() < 0
                  ? contentChecksum(file.getValue())
                  : entry.getCrc() + " " + entry.getSize()));
    }
    all.update(String.join("\n", each).getBytes(StandardCharsets.UTF_8));
    return String.format(Locale.ROOT, "%08x", all.getValue());
  }

  private static String contentChecksum(URL url) throws IOException {
    CRC32 sum = new CRC32();
    long size = 0;
    try (InputStream in = url.openStream()) {
      byte[] chunk = new byte[1 << 16];
      for (int read = in.read(chunk); read >= 0; read = in.read(chunk)) {
        sum.update(chunk, 0, read);
        size += read;
      }
    }
    return sum.getValue() + " " + size;
  }
}
