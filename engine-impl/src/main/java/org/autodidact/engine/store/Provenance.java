package org.autodidact.engine.store;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.io.InputStream;
import java.io.OutputStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.DigestInputStream;
import java.security.MessageDigest;
import java.security.NoSuchAlgorithmException;
import java.util.HexFormat;
import java.util.LinkedHashMap;
import java.util.Map;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.engine.data.SmallFile;

/** Where a model comes from, as JSON. */
public final class Provenance {
  private static final JsonMapper JSON = new JsonMapper();

  private Provenance() {}

  /** A model that is another one under a new name. */
  public static String unchanged(Checkpoint base) {
    return json(Map.of("parent", base.name(), "change", "none"));
  }

  /** A model that came in from outside. */
  public static String imported(String source) {
    return json(Map.of("source", source));
  }

  /** A model that was trained: its parent, settings, seed and the hash of what it learned from. */
  public static String trained(TrainingRequest request) {
    Map<String, Object> facts = new LinkedHashMap<>();
    facts.put("parent", request.base().name());
    facts.put("seed", request.seed());
    facts.put("settings", request.settings().toString());
    facts.put("examples", request.examples().size());
    facts.put("held_out", request.heldOut().size());
    facts.put("examples_sha256", hash(request.examples()));
    return json(facts);
  }

  /** The SHA-256 of a file. */
  public static String hash(Path file) {
    SmallFile.requireRegular(file, "what is hashed, to be known again,");
    try (InputStream in =
        new DigestInputStream(Files.newInputStream(file), MessageDigest.getInstance("SHA-256"))) {
      in.transferTo(OutputStream.nullOutputStream());
      return HexFormat.of().formatHex(((DigestInputStream) in).getMessageDigest().digest());
    } catch (IOException e) {
      throw new StorageException(file + ": cannot be read: " + e, e);
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String hash(Iterable<TrainingExample> examples) {
    try {
      MessageDigest digest = MessageDigest.getInstance("SHA-256");
      for (TrainingExample example : examples) {
        digest.update(example.toString().getBytes(StandardCharsets.UTF_8));
        digest.update((byte) 0);
      }
      return HexFormat.of().formatHex(digest.digest());
    } catch (NoSuchAlgorithmException e) {
      throw new IllegalStateException(e);
    }
  }

  private static String json(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }
}
