package org.autodidact.pytorch.state;

import com.fasterxml.jackson.annotation.JsonCreator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.security.MessageDigest;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SortedMap;
import java.util.TreeMap;
import java.util.TreeSet;
import java.util.function.BooleanSupplier;
import org.autodidact.api.CancelledException;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.files.Sha256;
import org.autodidact.checkpoints.json.RecordJson;
import org.autodidact.checkpoints.safetensors.TensorInfo;

/**
 * Everything that determines a training's result, by key, so that a difference between two can be
 * named: {@code model.FILE}, {@code examples} and {@code held-out} are SHA-256 hashes, {@code
 * settings.NAME}, {@code precision} and {@code seed} values.
 *
 * @param version raised when a key means something else; 0 is what was stored before there were
 *     keys
 */
public record Fingerprint(int version, SortedMap<String, String> parts) {
  private static final JsonMapper JSON = new JsonMapper();
  private static final int VERSION = 1;
  private static final String SETTINGS = "settings.";

  /** Beside the weights. */
  private static final List<String> FILES =
      List.of(
          "config.json",
          "tokenizer.json",
          "tokenizer_config.json",
          "special_tokens_map.json",
          "chat_template.jinja");

  public Fingerprint {
    parts = Collections.unmodifiableSortedMap(new TreeMap<>(parts));
  }

  /** As it is stored. */
  @JsonCreator(mode = JsonCreator.Mode.DELEGATING)
  static Fingerprint read(JsonNode stored) {
    SortedMap<String, String> parts = new TreeMap<>();
    stored
        .path("parts")
        .properties()
        .forEach(e -> parts.put(todaysName(e.getKey()), e.getValue().asText()));
    return new Fingerprint(stored.path("version").asInt(0), parts);
  }

  /** The key of a setting that an earlier version stored under another name. */
  private static String todaysName(String key) {
    return key.equals(SETTINGS + "recompute")
        ? SETTINGS + "activationCheckpointing"
        : key.replace(SETTINGS + "terms.", SETTINGS + "lossParameters.");
  }

  /**
   * Reads all of the base's files.
   *
   * @param stopped asked between pieces: then it ends by a {@link CancelledException}
   */
  public static Fingerprint of(
      TrainingRequest request, ModelFolder base, boolean bf16, BooleanSupplier stopped) {
    SortedMap<String, String> parts = new TreeMap<>();
    parts.put("precision", bf16 ? "bf16" : "fp32");
    parts.put("seed", Long.toString(request.seed()));
    parts.put("examples", hash(request.examples()));
    parts.put("held-out", hash(request.heldOut()));
    parts.putAll(settings(request.settings()));
    TreeSet<Path> files = new TreeSet<>();
    for (TensorInfo tensor : base.tensors().values()) {
      files.add(tensor.file());
    }
    for (String name : FILES) {
      Path file = request.base().folder().resolve(name);
      if (Files.exists(file)) {
        files.add(file);
      }
    }
    for (Path file : files) {
      parts.put("model." + file.getFileName(), hash(file, stopped));
    }
    return new Fingerprint(VERSION, parts);
  }

  private static SortedMap<String, String> settings(TrainingSettings settings) {
    SortedMap<String, String> parts = new TreeMap<>();
    flatten(SETTINGS.substring(0, SETTINGS.length() - 1), RecordJson.json(settings), parts);
    return parts;
  }

  private static void flatten(String key, Object value, Map<String, String> parts) {
    if (value instanceof Map<?, ?> map) {
      map.forEach((name, inner) -> flatten(key + "." + name, inner, parts));
    } else {
      parts.put(key, value.toString());
    }
  }

  private static String hash(List<TrainingExample> examples) {
    MessageDigest digest = Sha256.digest();
    for (TrainingExample example : examples) {
      try {
        digest.update(JSON.writeValueAsBytes(RecordJson.json(example)));
      } catch (JsonProcessingException e) {
        throw new IllegalStateException(e);
      }
      digest.update("\n".getBytes(StandardCharsets.UTF_8));
    }
    return Sha256.text(digest);
  }

  private static String hash(Path file, BooleanSupplier stopped) {
    MessageDigest digest = Sha256.digest();
    Sha256.update(
        digest,
        file,
        () -> {
          if (stopped.getAsBoolean()) {
            throw new CancelledException();
          }
        });
    return Sha256.text(digest);
  }

  /**
   * What differs from what is asked for now, by key. A setting that was not there when this was
   * stored is as it was then if it has its default; one that is no longer there decides nothing.
   */
  List<String> differences(Fingerprint now) {
    SortedMap<String, String> defaults = new TreeMap<>();
    String loss = now.parts.getOrDefault(SETTINGS + "loss", "");
    defaults.putAll(
        settings(
            loss.equals(RecordJson.json(TrainingSettings.Loss.SFT))
                ? TrainingSettings.sft()
                : TrainingSettings.dpo()));
    List<String> differ = new ArrayList<>();
    TreeSet<String> keys = new TreeSet<>(now.parts.keySet());
    parts.keySet().stream().filter(key -> !key.startsWith(SETTINGS)).forEach(keys::add);
    if (parts.keySet().stream().anyMatch(key -> key.startsWith(SETTINGS + "lora."))) {
      parts.keySet().stream().filter(k -> k.startsWith(SETTINGS + "lora.")).forEach(keys::add);
    }
    for (String key : keys) {
      String before = parts.containsKey(key) ? parts.get(key) : defaults.get(key);
      if (!Objects.equals(before, now.parts.get(key))) {
        differ.add(key + (key.startsWith(SETTINGS) ? " was " + before : ""));
      }
    }
    return differ;
  }
}
