package org.autodidact.hub;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.net.URI;
import java.nio.charset.StandardCharsets;
import java.nio.file.FileAlreadyExistsException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import java.util.OptionalLong;
import java.util.TreeSet;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.files.FolderLock;
import org.autodidact.checkpoints.files.Sha256;
import org.autodidact.checkpoints.json.JsonFiles;

/**
 * Brings models from the hub into the cache, and finds them there. The layout is that of Python's
 * huggingface_hub: {@code models--OWNER--NAME} with {@code blobs} by ETag, {@code snapshots} by
 * commit, whose files are links to blobs, and {@code refs} from a branch to its commit.
 */
public final class Hub {
  /** Files of a checkpoint besides its weights; those that a model does not have are left out. */
  private static final List<String> COMPANIONS =
      List.of(
          "config.json",
          "generation_config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "chat_template.jinja");

  private static final String WEIGHTS = "model.safetensors";
  private static final String INDEX = WEIGHTS + ".index.json";
  private static final Duration FIRST_PAUSE = Duration.ofSeconds(1);
  private static final Duration TIMEOUT = Duration.ofSeconds(30);

  private final HubSettings settings;
  private final Consumer<String> progress;
  private final Duration pause;
  private final Duration timeout;

  /**
   * @param progress is told each file before it is downloaded
   */
  public Hub(HubSettings settings, Consumer<String> progress) {
    this(settings, progress, FIRST_PAUSE, TIMEOUT);
  }

  Hub(HubSettings settings, Consumer<String> progress, Duration pause, Duration timeout) {
    this.settings = settings;
    this.progress = progress;
    this.pause = pause;
    this.timeout = timeout;
  }

  /**
   * A model's folder, or its GGUF file, in the cache; what is missing is downloaded. What was
   * downloaded in part is continued, and each file is held against its hash.
   *
   * @throws InvalidInputException where the hub does not know the model or does not give it, or
   *     where it is not in the cache and the hub is offline
   * @throws UnsupportedModelException where it has no safetensors
   * @throws StorageException where downloading or writing fails for good
   */
  @SuppressWarnings("try") // the lock is held, not used
  public Path pull(HubModel model, Cancellation cancellation) {
    Path folder = settings.cache().resolve("models--" + model.repository().replace("/", "--"));
    if (settings.offline()) {
      return cached(model, folder);
    }
    HubClient client = new HubClient(settings, cancellation, pause, timeout);
    JsonNode description =
        client.json(
            model,
            "/api/models/"
                + model.repository()
                + "/revision/"
                + model.revision().replace("/", "%2F"));
    String commit = description.path("sha").asText();
    if (!commit.matches("[0-9a-f]{40}")) {
      throw new InvalidInputException(
          settings.endpoint() + ": expected the commit of " + model + ", found none");
    }
    TreeSet<String> names = new TreeSet<>();
    description.path("siblings").forEach(file -> names.add(file.path("rfilename").asText()));
    Path snapshot = folder.resolve("snapshots").resolve(commit);
    try (FolderLock lock = FolderLock.take(folder, ".autodidact.lock", "download")) {
      if (model.gguf().isPresent()) {
        String file = model.gguf().get();
        requireThere(model, names, file);
        fetch(client, model, folder, snapshot, commit, file, cancellation);
      } else {
        fetchCheckpoint(client, model, folder, snapshot, commit, names, cancellation);
      }
      if (!model.revision().equals(commit)) {
        Path ref = folder.resolve("refs").resolve(model.revision());
        Files.createDirectories(ref.getParent());
        Files.writeString(ref, commit);
      }
    } catch (IOException e) {
      throw StorageException.of(folder + ": cannot be written: " + e + "; free space", e);
    }
    return model.gguf().map(snapshot::resolve).orElse(snapshot);
  }

  private void fetchCheckpoint(
      HubClient client,
      HubModel model,
      Path folder,
      Path snapshot,
      String commit,
      TreeSet<String> names,
      Cancellation cancellation)
      throws IOException {
    requireThere(model, names, "config.json");
    List<String> files = new ArrayList<>(COMPANIONS);
    files.retainAll(names);
    for (String file : files) {
      fetch(client, model, folder, snapshot, commit, file, cancellation);
    }
    if (names.contains(WEIGHTS)) {
      fetch(client, model, folder, snapshot, commit, WEIGHTS, cancellation);
    } else if (names.contains(INDEX)) {
      fetch(client, model, folder, snapshot, commit, INDEX, cancellation);
      for (String shard : shards(snapshot.resolve(INDEX))) {
        requireThere(model, names, shard);
        fetch(client, model, folder, snapshot, commit, shard, cancellation);
      }
    } else {
      throw new UnsupportedModelException(
          model
              + ": has no "
              + WEIGHTS
              + "; weights in other formats (pickles among them) are not read. There are: "
              + JsonFiles.cut(names.toString()));
    }
  }

  private static TreeSet<String> shards(Path index) {
    ObjectNode json = JsonFiles.read(index);
    TreeSet<String> shards = new TreeSet<>();
    json.path("weight_map").forEach(file -> shards.add(file.asText()));
    return shards;
  }

  private static void requireThere(HubModel model, TreeSet<String> names, String file) {
    boolean plain =
        !file.isEmpty() && !file.startsWith("/") && !("/" + file + "/").contains("/../");
    if (!plain || !names.contains(file)) {
      throw new InvalidInputException(
          model
              + ": has no file '"
              + JsonFiles.cut(file)
              + "'; there are: "
              + JsonFiles.cut(names.toString()));
    }
  }

  /** One file into the blobs, and a link to it into the snapshot. */
  private void fetch(
      HubClient client,
      HubModel model,
      Path folder,
      Path snapshot,
      String commit,
      String file,
      Cancellation cancellation)
      throws IOException {
    Path link = snapshot.resolve(file);
    if (Files.exists(link)) {
      return;
    }
    URI uri =
        settings.endpoint().resolve("/" + model.repository() + "/resolve/" + commit + "/" + file);
    HubClient.FileInfo info = client.info(model, uri);
    if (!info.etag().matches("[0-9a-f]{40}|[0-9a-f]{64}")) {
      throw new InvalidInputException(
          uri + ": expected a hash as ETag, found '" + JsonFiles.cut(info.etag()) + "'");
    }
    Path blobs = Files.createDirectories(folder.resolve("blobs"));
    Path blob = blobs.resolve(info.etag());
    if (!Files.exists(blob)) {
      progress.accept(
          model.repository()
              + ": "
              + file
              + (info.size().isPresent()
                  ? ", " + info.size().getAsLong() / 1_000_000 + " MB"
                  : ""));
      Path part = blobs.resolve(info.etag() + ".incomplete");
      client.download(model, uri, part, info.size());
      verify(uri, part, info, cancellation);
      Files.move(part, blob, StandardCopyOption.ATOMIC_MOVE);
    }
    Files.createDirectories(link.getParent());
    link(link, blob);
  }

  /** As huggingface_hub does: a relative link, or a copy where the file system has none. */
  private static void link(Path link, Path blob) throws IOException {
    try {
      Files.createSymbolicLink(link, link.getParent().relativize(blob));
    } catch (FileAlreadyExistsException e) {
      Files.delete(link); // a link to a blob that is gone
      Files.createSymbolicLink(link, link.getParent().relativize(blob));
    } catch (UnsupportedOperationException e) {
      Files.copy(blob, link);
    }
  }

  private static void verify(URI uri, Path part, HubClient.FileInfo info, Cancellation cancellation)
      throws IOException {
    long size = Files.size(part);
    OptionalLong said = info.size();
    String found =
        info.etag().length() == 64
            ? Sha256.of(part, cancellation)
            : gitHash(part, size, cancellation);
    if (!found.equals(info.etag()) || (said.isPresent() && said.getAsLong() != size)) {
      Files.delete(part);
      throw new StorageException(
          uri
              + ": expected "
              + (said.isPresent() ? said.getAsLong() + " bytes with " : "")
              + "the hash "
              + info.etag()
              + ", downloaded "
              + size
              + " bytes with "
              + found
              + "; they are deleted, run the command again");
    }
  }

  /** Git's name of a file: SHA-1 of its length and its content. */
  private static String gitHash(Path file, long size, Cancellation cancellation) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-1");
      digest.update(("blob " + size + "\0").getBytes(StandardCharsets.US_ASCII));
      Sha256.update(digest, file, cancellation::throwIfCancelled);
      return Sha256.text(digest);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException("every JDK has SHA-1", e);
    }
  }

  /** What the cache has of a model, without asking the hub. */
  private Path cached(HubModel model, Path folder) {
    Path ref = folder.resolve("refs").resolve(model.revision());
    try {
      String commit = Files.isRegularFile(ref) ? Files.readString(ref).strip() : model.revision();
      Path snapshot = folder.resolve("snapshots").resolve(commit);
      Path wanted = model.gguf().map(snapshot::resolve).orElse(snapshot.resolve("config.json"));
      if (Files.exists(wanted)) {
        return model.gguf().map(snapshot::resolve).orElse(snapshot);
      }
    } catch (IOException e) {
      throw new StorageException(ref + ": cannot be read: " + e, e);
    }
    throw new InvalidInputException(
        model
            + ": is not in the cache "
            + settings.cache()
            + ", and HF_HUB_OFFLINE is set; unset it, or run 'autodidact pull "
            + model
            + "' where there is a network");
  }
}
