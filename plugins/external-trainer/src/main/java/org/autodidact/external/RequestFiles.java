package org.autodidact.external;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.security.MessageDigest;
import java.time.Clock;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.Function;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Settings;
import org.autodidact.api.TrainingRequest;
import org.autodidact.checkpoints.files.CheckpointFiles;
import org.autodidact.checkpoints.files.Sha256;
import org.autodidact.checkpoints.json.JsonFiles;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;

/** The files by which a command is told what to train. */
final class RequestFiles {
  static final String REQUEST = "request.json";
  static final String OUTPUT = "output";
  static final String LOG = "log.txt";
  static final String STANDARD_OUTPUT = "stdout.jsonl";
  static final String METRICS = "metrics.jsonl";

  private static final String TRAIN = "train.jsonl";
  private static final String HELD_OUT = "held-out.jsonl";
  private static final String PROBES = "probes.jsonl";
  private static final int VERSION = 1;
  private static final JsonMapper JSON = new JsonMapper();

  private final byte[] request;
  private final SortedMap<String, byte[]> data;

  private RequestFiles(byte[] request, SortedMap<String, byte[]> data) {
    this.request = request;
    this.data = data;
  }

  /**
   * @param template writes the rows of examples; where there is none they are in TRL's form
   */
  static RequestFiles of(
      TrainingRequest request,
      ComputeSettings compute,
      Clock clock,
      Optional<RowTemplate> template) {
    SortedMap<String, byte[]> data = new TreeMap<>();
    Optional<PromptEncoder> encoder = encoder(request.base(), clock);
    try {
      ExampleRows rows = new ExampleRows(request, encoder);
      Function<ObjectNode, String> line =
          row -> template.map(t -> t.line(row)).orElseGet(row::toString);
      data.put(TRAIN, lines(rows.examples(request.examples(), false), line));
      data.put(HELD_OUT, lines(rows.examples(request.heldOut(), true), line));
      data.put(PROBES, lines(rows.probes(), ObjectNode::toString));
    } finally {
      encoder.ifPresent(PromptEncoder::close);
    }
    return new RequestFiles(JsonFiles.bytes(json(request, compute, data)), data);
  }

  private static Optional<PromptEncoder> encoder(Checkpoint base, Clock clock) {
    return !base.isReference() && Files.exists(base.folder().resolve("tokenizer.json"))
        ? Optional.of(PromptEncoder.open(base.folder(), clock))
        : Optional.empty();
  }

  private static byte[] lines(List<ObjectNode> rows, Function<ObjectNode, String> line) {
    StringBuilder lines = new StringBuilder();
    rows.forEach(row -> lines.append(line.apply(row)).append('\n'));
    return lines.toString().getBytes(StandardCharsets.UTF_8);
  }

  private static ObjectNode json(
      TrainingRequest request, ComputeSettings compute, SortedMap<String, byte[]> data) {
    ObjectNode json = JSON.createObjectNode().put("version", VERSION);
    json.put("loss", request.settings().loss().name());
    Checkpoint base = request.base();
    json.put(
        "base", base.isReference() ? base.location() : base.folder().toAbsolutePath().toString());
    json.put("output", OUTPUT);
    json.put("seed", request.seed());
    json.put("examples", request.examples().size());
    json.put("held-out", request.heldOut().size());
    json.put("probes", request.probes().size());
    json.put("steps", request.settings().steps(request.examples().size()));
    json.putObject("compute")
        .put("precision", compute.precision().name())
        .put("threads", compute.effectiveThreads())
        .put("device", Settings.name(compute.device()));
    json.set("settings", SettingsJson.ours(request.settings()));
    json.set("trl", SettingsJson.trl(request.settings(), request.seed()));
    ObjectNode files = json.putObject("sha256");
    data.forEach((name, bytes) -> files.put(name, digest(bytes)));
    if (!base.isReference()) {
      ObjectNode sizes = json.putObject("base-bytes");
      for (Path file : CheckpointFiles.ofModel(base.folder())) {
        sizes.put(file.getFileName().toString(), file.toFile().length());
      }
    }
    return json;
  }

  private static String digest(byte[] bytes) {
    MessageDigest digest = Sha256.digest();
    digest.update(bytes);
    return Sha256.text(digest);
  }

  /** A digest of all that is asked. */
  String digest() {
    return digest(request);
  }

  /**
   * Writes the files, the request last.
   *
   * @return whether they were there, so that the command goes on
   * @throws InvalidInputException where those of another request are there
   */
  boolean writeTo(Path folder) throws IOException {
    Path file = folder.resolve(REQUEST);
    if (Files.exists(file)) {
      ObjectNode there = JsonFiles.read(file);
      ObjectNode now = JsonFiles.object(request, REQUEST);
      if (!there.equals(now)) {
        throw new InvalidInputException(
            folder
                + ": holds another training, of other "
                + difference(there, now)
                + "; delete the folder to begin anew");
      }
      return true;
    }
    for (Map.Entry<String, byte[]> entry : data.entrySet()) {
      Files.write(folder.resolve(entry.getKey()), entry.getValue());
    }
    Path part = folder.resolve(REQUEST + ".part");
    Files.write(part, request);
    Files.move(part, file, StandardCopyOption.ATOMIC_MOVE);
    return false;
  }

  /** The first key of which two requests differ. */
  private static String difference(JsonNode one, JsonNode other) {
    TreeSet<String> keys = new TreeSet<>();
    one.fieldNames().forEachRemaining(keys::add);
    other.fieldNames().forEachRemaining(keys::add);
    List<String> differing = new ArrayList<>();
    for (String key : keys) {
      JsonNode here = one.path(key);
      JsonNode there = other.path(key);
      if (!here.equals(there)) {
        differing.add(
            here.isObject() && there.isObject() ? key + "." + difference(here, there) : key);
      }
    }
    return differing.stream()
        .filter(k -> k.startsWith("settings."))
        .findFirst()
        .orElse(differing.get(0));
  }
}
