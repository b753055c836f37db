package org.autodidact.engine.config;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonLocation;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonMappingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.exc.UnrecognizedPropertyException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.NullNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import com.fasterxml.jackson.dataformat.yaml.YAMLMapper;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.TreeSet;
import java.util.stream.Collectors;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.StorageException;
import org.autodidact.engine.NearNames;

/** Reads a run's configuration; YAML is a superset of JSON, so one reader serves both. */
public final class ConfigFile {
  private static final YAMLMapper YAML =
      YAMLMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .addModule(new Jdk8Module())
          .enable(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .disable(MapperFeature.ALLOW_COERCION_OF_SCALARS)
          .disable(DeserializationFeature.ACCEPT_FLOAT_AS_INT)
          .build();

  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .addModule(new Jdk8Module())
          .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .defaultPropertyInclusion(
              JsonInclude.Value.construct(
                  JsonInclude.Include.NON_ABSENT, JsonInclude.Include.NON_ABSENT))
          .build();

  private ConfigFile() {}

  /**
   * Reads a file; paths in it are relative to its folder.
   *
   * @param overrides values by dotted key, for example {@code judge.samples}, in YAML's notation;
   *     an empty one takes the key out, and paths are relative to the process's folder
   */
  public static RunConfig read(Path file, Map<String, String> overrides) {
    try {
      return parse(
          Files.readString(file), file.toString(), overrides, file.toAbsolutePath().getParent());
    } catch (NoSuchFileException e) {
      throw new InvalidInputException(file + ": there is no such configuration file", e);
    } catch (IOException e) {
      throw new StorageException(file + ": the configuration cannot be read: " + e, e);
    }
  }

  /** Parses a text; {@code source} names it in errors, {@code folder} is where its paths start. */
  public static RunConfig parse(
      String text, String source, Map<String, String> overrides, Path folder) {
    try {
      JsonNode tree = YAML.readTree(text);
      ObjectNode root = tree instanceof ObjectNode object ? object : failUnlessEmpty(tree, source);
      resolvePaths(root, source, folder);
      nameToSection(root, "selector");
      for (Map.Entry<String, String> override : overrides.entrySet()) {
        JsonNode value = YAML.readTree(override.getValue());
        put(
            root,
            source,
            override.getKey(),
            value.isMissingNode() ? NullNode.getInstance() : value);
        nameToSection(root, "selector");
      }
      return YAML.treeToValue(root, RunConfig.class);
    } catch (UnrecognizedPropertyException e) {
      Collection<String> known =
          e.getKnownPropertyIds().stream().map(Object::toString).collect(Collectors.toList());
      throw new InvalidInputException(
          source
              + ": unknown key '"
              + path(e)
              + "'"
              + NearNames.hint(e.getPropertyName(), known)
              + "; known here: "
              + known.stream().sorted().toList(),
          e);
    } catch (JsonMappingException e) {
      if (e.getCause() instanceof InvalidInputException cause) {
        throw new InvalidInputException(source + ": " + cause.getMessage(), cause);
      }
      throw new InvalidInputException(
          source + ": the key '" + path(e) + "': " + e.getOriginalMessage(), e);
    } catch (JsonProcessingException e) {
      JsonLocation at = e.getLocation();
      throw new InvalidInputException(
          source
              + (at == null ? "" : ", line " + at.getLineNr() + ", column " + at.getColumnNr())
              + ": not YAML: "
              + e.getOriginalMessage(),
          e);
    }
  }

  private static ObjectNode failUnlessEmpty(JsonNode tree, String source) {
    if (tree == null || tree.isMissingNode() || tree.isNull()) {
      return JsonNodeFactory.instance.objectNode();
    }
    throw new InvalidInputException(
        source + ": expected keys and values, found " + tree.getNodeType());
  }

  private static String path(JsonMappingException e) {
    return e.getPath().stream()
        .map(r -> r.getFieldName() == null ? "[" + r.getIndex() + "]" : r.getFieldName())
        .collect(Collectors.joining("."));
  }

  /** Files that a configuration names, by dotted key. */
  private static void resolvePaths(ObjectNode root, String source, Path folder) {
    for (String key :
        new String[] {
          "model",
          "prompts.file",
          "prompts.self-instruct.seeds",
          "prompts.self-instruct.model",
          "prompts.self-instruct.exclude",
          "fine-tuning.ift",
          "fine-tuning.eft",
          "judge.template",
          "judge.model",
          "evaluation.perplexity",
          "evaluation.prompts"
        }) {
      JsonNode value = root.at("/" + key.replace('.', '/'));
      if (value.isTextual()) {
        put(
            root,
            source,
            key,
            JsonNodeFactory.instance.textNode(resolved(source, key, value.asText(), folder)));
      }
    }
  }

  private static String resolved(String source, String key, String path, Path folder) {
    try {
      return folder.resolve(path).normalize().toString();
    } catch (InvalidPathException e) {
      throw new InvalidInputException(
          source + ": the key '" + key + "' is no path: " + e.getMessage(), e);
    }
  }

  /** {@code selector: margin} is short for {@code selector: {name: margin}}. */
  private static void nameToSection(ObjectNode root, String key) {
    JsonNode value = root.path(key);
    if (value.isTextual()) {
      root.putObject(key).set("name", value);
    }
  }

  private static void put(ObjectNode root, String source, String dottedKey, JsonNode value) {
    String[] steps = dottedKey.split("\\.", -1);
    ObjectNode node = root;
    for (int i = 0; i < steps.length - 1; i++) {
      JsonNode there = node.path(steps[i]);
      if (there.isValueNode() && !there.isNull()) {
        throw new InvalidInputException(
            source
                + ": the key '"
                + dottedKey
                + "': '"
                + steps[i]
                + "' is a value, and has no keys of its own");
      }
      node = there.isObject() ? (ObjectNode) there : node.putObject(steps[i]);
    }
    node.set(steps[steps.length - 1], value);
  }

  /** The configuration as JSON, keys sorted: equal configurations give equal texts. */
  public static String toJson(RunConfig config) {
    try {
      return JSON.writeValueAsString(config);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** What differs between two of {@link #toJson}'s texts: dotted key, then both values. */
  public static List<String> differences(String one, String other) {
    List<String> found = new ArrayList<>();
    try {
      compare("", JSON.readTree(one), JSON.readTree(other), found);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
    return found;
  }

  private static void compare(String key, JsonNode one, JsonNode other, List<String> found) {
    if (one.isObject() && other.isObject()) {
      Set<String> names = new TreeSet<>();
      one.fieldNames().forEachRemaining(names::add);
      other.fieldNames().forEachRemaining(names::add);
      for (String name : names) {
        compare(key.isEmpty() ? name : key + "." + name, one.path(name), other.path(name), found);
      }
    } else if (!one.equals(other)) {
      found.add(key + ": " + one + ", " + other);
    }
  }

  /** Reads what {@link #toJson} wrote. */
  public static RunConfig fromJson(String json, String source) {
    return parse(json, source, Map.of(), Path.of(""));
  }
}
