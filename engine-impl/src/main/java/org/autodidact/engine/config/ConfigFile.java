package org.autodidact.engine.config;

import com.fasterxml.jackson.annotation.JsonInclude;
import com.fasterxml.jackson.core.JsonGenerator;
import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.MapperFeature;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.SerializationFeature;
import com.fasterxml.jackson.databind.SerializerProvider;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.module.SimpleModule;
import com.fasterxml.jackson.databind.ser.std.StdSerializer;
import com.fasterxml.jackson.databind.ser.std.ToStringSerializer;
import com.fasterxml.jackson.datatype.jdk8.Jdk8Module;
import java.io.IOException;
import java.lang.reflect.Type;
import java.nio.file.Files;
import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeSet;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.ComputeSettings.Precision;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;
import org.autodidact.api.TrainingSettings.Loss;
import org.autodidact.api.TrainingSettings.Optimizer;
import org.autodidact.engine.data.JsonErrors;
import org.autodidact.engine.data.SmallFile;
import org.autodidact.engine.text.EnumNames;

/**
 * Reads a run's configuration; YAML is a superset of JSON, so one reader serves both files.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public final class ConfigFile {
  private static final ObjectMapper JSON =
      JsonMapper.builder()
          .addModule(new Jdk8Module())
          .addModule(
              new SimpleModule()
                  .addSerializer(Path.class, ToStringSerializer.instance)
                  .addSerializer(ModelName.class, new ModelNameSerializer())
                  .addSerializer(Enum.class, new EnumNameSerializer())
                  .addSerializer(Precision.class, ToStringSerializer.instance)
                  .addSerializer(Loss.class, ToStringSerializer.instance)
                  .addSerializer(Optimizer.class, ToStringSerializer.instance))
          .enable(SerializationFeature.ORDER_MAP_ENTRIES_BY_KEYS)
          .enable(MapperFeature.SORT_PROPERTIES_ALPHABETICALLY)
          .defaultPropertyInclusion(
              JsonInclude.Value.construct(
                  JsonInclude.Include.NON_ABSENT, JsonInclude.Include.NON_ABSENT))
          .build();

  /** Enum constants as people write them. */
  @SuppressWarnings("rawtypes")
  private static final class EnumNameSerializer extends StdSerializer<Enum> {
    private static final long serialVersionUID = 1L;

    EnumNameSerializer() {
      super(Enum.class);
    }

    @Override
    public void serialize(Enum value, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeString(EnumNames.of(value));
    }
  }

  /** A model as it is named. */
  private static final class ModelNameSerializer extends StdSerializer<ModelName> {
    private static final long serialVersionUID = 1L;

    ModelNameSerializer() {
      super(ModelName.class);
    }

    @Override
    public void serialize(ModelName value, JsonGenerator json, SerializerProvider provider)
        throws IOException {
      json.writeString(value.text());
    }
  }

  /** Sections that may be written as the name alone. */
  private static final List<String> PARTS =
      List.of("generator", "trainer", "selector", "judge", "judge.generator", "prompts.source");

  private ConfigFile() {}

  /**
   * Reads a file; paths in it are relative to its folder.
   *
   * @param overrides values by dotted key, for example {@code judge.samples}; an empty one takes
   *     the key out. Where the key is a text the value is that text as it is (or what its quotes
   *     hold), else it is in YAML's notation. Paths are relative to the process's folder
   * @throws InvalidInputException where the file is not there, no regular file, longer than 1 MiB,
   *     not UTF-8, not YAML, or says what cannot be used
   */
  public static RunConfig read(Path file, Map<String, String> overrides) {
    return parse(
        SmallFile.read(file, "a configuration"),
        file.toString(),
        overrides,
        file.toAbsolutePath().getParent());
  }

  /** Parses a text; {@code source} names it in errors, {@code folder} is where its paths start. */
  public static RunConfig parse(
      String text, String source, Map<String, String> overrides, Path folder) {
    YamlNode tree =
        YamlNode.parse(text, source)
            .filter(n -> !(n instanceof YamlNode.Scalar s && s.isNull()))
            .orElseGet(() -> new YamlNode.Mapping(source, new LinkedHashMap<>()));
    YamlNode.Mapping root = root(tree, source);
    RenamedKeys.replace(root, false);
    resolvePaths(root, RunConfig.class, "", folder);
    nameToSection(root);
    for (Map.Entry<String, String> override : overrides.entrySet()) {
      String key = RenamedKeys.replaced(override.getKey());
      YamlNode.Mapping given = new YamlNode.Mapping(source, new LinkedHashMap<>());
      put(given, source, key, override(source, key, override.getValue()));
      resolvePaths(given, RunConfig.class, "", Path.of("").toAbsolutePath());
      put(root, source, key, at(given, key).orElseThrow());
      nameToSection(root);
    }
    return RecordReader.read(RunConfig.class, root, "");
  }

  /** The configuration of values by dotted key; paths are relative to the process's folder. */
  static RunConfig of(Map<String, Object> values) {
    String source = "the run's configuration";
    YamlNode.Mapping root = new YamlNode.Mapping(source, new LinkedHashMap<>());
    values.forEach(
        (key, value) -> {
          put(root, source, RenamedKeys.replaced(key), YamlNode.ofValue(value, source));
          nameToSection(root);
        });
    resolvePaths(root, RunConfig.class, "", Path.of("").toAbsolutePath());
    return RecordReader.read(RunConfig.class, root, "");
  }

  private static YamlNode.Mapping root(YamlNode tree, String source) {
    if (tree instanceof YamlNode.Mapping mapping) {
      return new YamlNode.Mapping(source, mapping.values());
    }
    throw new InvalidInputException(source + ": expected keys and values, found " + tree.shown());
  }

  /** The node of a value that the command line sets for a key. */
  private static YamlNode override(String source, String key, String value) {
    boolean text = RecordReader.type(RunConfig.class, key).filter(RecordReader::isText).isPresent();
    boolean quotes =
        value.length() > 1
            && (value.startsWith("\"") && value.endsWith("\"")
                || value.startsWith("'") && value.endsWith("'"));
    return text && !quotes
        ? new YamlNode.Scalar(source, value, !value.isEmpty())
        : YamlNode.parse(value, source + ": the value of '" + ShownText.of(key, 60) + "'")
            .orElseGet(() -> new YamlNode.Scalar(source, "", false));
  }

  /** Makes the paths in a section absolute, so that they are found from any folder. */
  private static void resolvePaths(
      YamlNode.Mapping section, Class<?> type, String prefix, Path folder) {
    RecordReader.keys(type)
        .forEach(
            (key, valueType) -> {
              YamlNode value = section.values().get(key);
              if (value instanceof YamlNode.Mapping inner) {
                RecordReader.section(valueType)
                    .ifPresent(c -> resolvePaths(inner, c, prefix + key + ".", folder));
              } else if (RecordReader.isPath(valueType)
                  && value instanceof YamlNode.Scalar path
                  && !path.isNull()) {
                String absolute = resolved(prefix + key, valueType, path, folder);
                section.values().put(key, new YamlNode.Scalar(path.where(), absolute, true));
              }
            });
  }

  private static String resolved(String key, Type type, YamlNode.Scalar path, Path folder) {
    if (path.text().isBlank()) {
      throw new InvalidInputException(
          path.where() + ": the key '" + key + "' is no path: it is empty");
    }
    try {
      Path absolute = folder.resolve(path.text()).normalize();
      // A model that is no file here may be on the hub, or known to the generator alone.
      return RecordReader.isModel(type) && !Files.exists(absolute)
          ? path.text()
          : absolute.toString();
    } catch (InvalidPathException e) {
      throw new InvalidInputException(
          path.where() + ": the key '" + key + "' is no path: " + path.shown(), e);
    }
  }

  private static Optional<YamlNode> at(YamlNode.Mapping root, String dottedKey) {
    YamlNode node = root;
    for (String step : dottedKey.split("\\.", -1)) {
      node = node instanceof YamlNode.Mapping mapping ? mapping.values().get(step) : null;
    }
    return Optional.ofNullable(node);
  }

  /** {@code selector: margin} is short for {@code selector: {name: margin}}. */
  private static void nameToSection(YamlNode.Mapping root) {
    for (String part : PARTS) {
      if (at(root, part).orElse(null) instanceof YamlNode.Scalar name && !name.isNull()) {
        Map<String, YamlNode> section = new LinkedHashMap<>();
        section.put("name", name);
        put(root, name.where(), part, new YamlNode.Mapping(name.where(), section));
      }
    }
  }

  private static void put(YamlNode.Mapping root, String where, String dottedKey, YamlNode value) {
    String[] steps = dottedKey.split("\\.", -1);
    YamlNode.Mapping node = root;
    for (int i = 0; i < steps.length - 1; i++) {
      YamlNode there = node.values().get(steps[i]);
      if (there instanceof YamlNode.Mapping mapping) {
        node = mapping;
        continue;
      }
      if (there != null && !(there instanceof YamlNode.Scalar s && s.isNull())) {
        throw new InvalidInputException(
            where
                + ": the key '"
                + ShownText.of(dottedKey, 60)
                + "': '"
                + ShownText.of(steps[i], 60)
                + "' is a value, and has no keys of its own");
      }
      YamlNode.Mapping section = new YamlNode.Mapping(where, new LinkedHashMap<>());
      node.values().put(steps[i], section);
      node = section;
    }
    node.values().put(steps[steps.length - 1], value);
  }

  /** The configuration as JSON, keys sorted: equal configurations give equal texts. */
  public static String toJson(RunConfig config) {
    try {
      return JSON.writeValueAsString(config);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  /** The differences between two texts of {@link #toJson}: dotted key, then both values. */
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
    try {
      YamlNode.Mapping root = root(YamlNode.of(JSON.readTree(json), source), source);
      RenamedKeys.replace(root, true);
      resolvePaths(root, RunConfig.class, "", Path.of(""));
      return RecordReader.read(RunConfig.class, root, "");
    } catch (JsonProcessingException e) {
      throw new InvalidInputException(
          source + ": the stored configuration is damaged: " + JsonErrors.said(e), e);
    }
  }
}
