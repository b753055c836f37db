package org.autodidact.engine.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.LinkedHashMap;
import java.util.Map;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.checkpoints.files.BoundedFiles;
import org.autodidact.checkpoints.files.Sha256;
import org.autodidact.checkpoints.json.RecordJson;

/**
 * The provenance of a model, as JSON.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class Provenance {
  private static final JsonMapper JSON = new JsonMapper();

  /** Raised when a key means something else; a key more is no other version. */
  private static final int VERSION = 1;

  private Provenance() {}

  /** A model that is another one under a new name. */
  public static String unchanged(Checkpoint base) {
    Map<String, Object> facts = facts();
    facts.put("parent", base.name());
    facts.put("change", "none");
    return json(facts);
  }

  /** A model that came in from outside. */
  public static String imported(String source) {
    Map<String, Object> facts = facts();
    facts.put("source", source);
    return json(facts);
  }

  /** In one order: two equal runs have equal bytes. */
  private static Map<String, Object> facts() {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("version", VERSION);
    return facts;
  }

  /**
   * A model that was trained: its parent, settings, seed and the hash of what it learned from.
   *
   * @param trainer the plugin that trained it, and its version
   */
  public static String trained(TrainingRequest request, String trainer) {
    Map<String, Object> facts = facts();
    facts.put("trainer", trainer);
    facts.put("parent", request.base().name());
    facts.put("seed", request.seed());
    facts.put("settings", RecordJson.json(request.settings()));
    facts.put("examples", request.examples().size());
    facts.put("held_out", request.heldOut().size());
    facts.put("examples_sha256", hash(request.examples()));
    return json(facts);
  }

  /** The SHA-256 of a file. */
  public static String hash(Path file) {
    BoundedFiles.requireRegular(file, "data that can be read again");
    return Sha256.of(file);
  }

  private static String hash(Iterable<TrainingExample> examples) {
    MessageDigest digest = Sha256.digest();
    for (TrainingExample example : examples) {
      digest.update(json(RecordJson.json(example)).getBytes(StandardCharsets.UTF_8));
      digest.update((byte) '\n');
    }
    return Sha256.text(digest);
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
