package org.autodidact.engine.config;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.StreamReadFeature;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.StringReader;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;
import org.autodidact.engine.text.EnumNames;
import org.yaml.snakeyaml.DumperOptions.ScalarStyle;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.error.Mark;
import org.yaml.snakeyaml.error.MarkedYAMLException;
import org.yaml.snakeyaml.error.YAMLException;
import org.yaml.snakeyaml.events.AliasEvent;
import org.yaml.snakeyaml.events.DocumentEndEvent;
import org.yaml.snakeyaml.events.DocumentStartEvent;
import org.yaml.snakeyaml.events.Event;
import org.yaml.snakeyaml.events.MappingEndEvent;
import org.yaml.snakeyaml.events.MappingStartEvent;
import org.yaml.snakeyaml.events.NodeEvent;
import org.yaml.snakeyaml.events.ScalarEvent;
import org.yaml.snakeyaml.events.SequenceEndEvent;
import org.yaml.snakeyaml.events.SequenceStartEvent;
import org.yaml.snakeyaml.events.StreamStartEvent;

/**
 * A configuration's text as nodes that keep each scalar as it is written: what {@code off}, {@code
 * 1e3} or {@code 010} means is for the key to say, not for YAML's many rules. Anchors, aliases,
 * tags and merge keys, with which a text means what it does not say, are refused, as are keys given
 * twice and more than one document.
 */
sealed interface YamlNode {
  /** Levels of nesting; a configuration has four. */
  int DEPTH = 20;

  /** Strict, as far as YAML is. */
  JsonMapper JSON =
      JsonMapper.builder()
          .enable(StreamReadFeature.STRICT_DUPLICATE_DETECTION)
          .enable(DeserializationFeature.FAIL_ON_TRAILING_TOKENS)
          .build();

  /** Its file and line, for errors. */
  String where();

  /** Its description in errors. */
  String shown();

  /**
   * Keys and values.
   *
   * @param values in the file's order; may be changed
   */
  record Mapping(String where, Map<String, YamlNode> values) implements YamlNode {
    @Override
    public String shown() {
      return "keys and values";
    }
  }

  /** A list. */
  record Sequence(String where, List<YamlNode> values) implements YamlNode {
    @Override
    public String shown() {
      return "a list";
    }
  }

  /**
   * A text, a number, true, false or nothing.
   *
   * @param quoted whether it is a text whatever stands in it
   */
  record Scalar(String where, String text, boolean quoted) implements YamlNode {
    @Override
    public String shown() {
      return quoted
          ? "the text '" + ShownText.of(text, 60) + "'"
          : "'" + ShownText.of(text, 60) + "'";
    }

    /** Whether the key counts as missing. */
    boolean isNull() {
      return !quoted && (text.isEmpty() || text.equals("~") || text.equalsIgnoreCase("null"));
    }
  }

  /** The one document of a text; nothing where it is empty. */
  static Optional<YamlNode> parse(String text, String source) {
    if (text.indexOf('\t') >= 0 && text.stripLeading().startsWith("{")) {
      try {
        return Optional.of(of(JSON.readTree(text), source)); // YAML has no tabs between its words
      } catch (JsonProcessingException e) {
        return yaml(text, source);
      }
    }
    return yaml(text, source);
  }

  private static Optional<YamlNode> yaml(String text, String source) {
    try {
      LoaderOptions options = new LoaderOptions();
      options.setCodePointLimit(Integer.MAX_VALUE);
      options.setNestingDepthLimit(DEPTH);
      Iterator<Event> events = new Yaml(options).parse(new StringReader(text)).iterator();
      Optional<YamlNode> document = Optional.empty();
      while (events.hasNext()) {
        Event event = events.next();
        if (event instanceof DocumentStartEvent) {
          if (document.isPresent()) {
            throw new InvalidInputException(
                at(source, event.getStartMark())
                    + ": a second document ('---') begins; a configuration is one");
          }
          document = Optional.of(node(events.next(), events, source, 0));
        } else if (!(event instanceof StreamStartEvent || event instanceof DocumentEndEvent)) {
          break;
        }
      }
      return document;
    } catch (MarkedYAMLException e) {
      Mark mark = e.getProblemMark();
      throw new InvalidInputException(
          at(source, mark)
              + (mark == null ? "" : ", column " + (mark.getColumn() + 1))
              + ": not YAML: "
              + ShownText.of(e.getProblem(), 120),
          e);
    } catch (YAMLException e) {
      throw new InvalidInputException(
          source
              + ": not YAML: it has a character that YAML does not allow, as a control character",
          e);
    }
  }

  private static String at(String source, Mark mark) {
    return mark == null ? source : source + ", line " + (mark.getLine() + 1);
  }

  private static YamlNode node(Event event, Iterator<Event> events, String source, int depth) {
    String where = at(source, event.getStartMark());
    if (depth > DEPTH) {
      throw new InvalidInputException(where + ": nested more than " + DEPTH + " deep");
    }
    if (event instanceof AliasEvent alias) {
      throw new InvalidInputException(
          where
              + ": the alias '*"
              + ShownText.of(alias.getAnchor(), 40)
              + "' is not read; write the value");
    }
    if (event instanceof NodeEvent named && named.getAnchor() != null) {
      throw new InvalidInputException(
          where
              + ": the anchor '&"
              + ShownText.of(named.getAnchor(), 40)
              + "' is not read; leave it out");
    }
    String tag =
        event instanceof ScalarEvent scalar
            ? scalar.getTag()
            : event instanceof MappingStartEvent mapping
                ? mapping.getTag()
                : event instanceof SequenceStartEvent sequence ? sequence.getTag() : null;
    if (tag != null) {
      throw new InvalidInputException(
          where + ": the tag '" + ShownText.of(tag, 60) + "' is not read; write the value alone");
    }
    if (event instanceof ScalarEvent scalar) {
      return new Scalar(where, scalar.getValue(), scalar.getScalarStyle() != ScalarStyle.PLAIN);
    }
    if (event instanceof SequenceStartEvent) {
      List<YamlNode> values = new ArrayList<>();
      for (Event e = events.next(); !(e instanceof SequenceEndEvent); e = events.next()) {
        values.add(node(e, events, source, depth + 1));
      }
      return new Sequence(where, values);
    }
    Map<String, YamlNode> values = new LinkedHashMap<>();
    for (Event e = events.next(); !(e instanceof MappingEndEvent); e = events.next()) {
      YamlNode key = node(e, events, source, depth + 1);
      if (!(key instanceof Scalar name)) {
        throw new InvalidInputException(
            key.where() + ": a key must be a word, found " + key.shown());
      }
      if (!name.quoted() && name.text().equals("<<")) {
        throw new InvalidInputException(
            key.where() + ": the merge key '<<' is not read; write the keys");
      }
      YamlNode value = node(events.next(), events, source, depth + 1);
      if (values.put(name.text(), value) != null) {
        throw new InvalidInputException(
            key.where() + ": the key '" + ShownText.of(name.text(), 60) + "' is given twice");
      }
    }
    return new Mapping(where, values);
  }

  /** The node of a Java value: a list, a number, a truth value, or what its text says. */
  static YamlNode ofValue(Object value, String source) {
    if (value instanceof List<?> list) {
      return new Sequence(source, list.stream().map(v -> ofValue(v, source)).toList());
    }
    boolean plain = value instanceof Number || value instanceof Boolean;
    String text = value instanceof Enum<?> constant ? EnumNames.of(constant) : value.toString();
    return new Scalar(source, text, !plain);
  }

  /** The node of JSON that this program wrote. */
  static YamlNode of(JsonNode json, String source) {
    if (json.isObject()) {
      Map<String, YamlNode> values = new LinkedHashMap<>();
      json.properties().forEach(e -> values.put(e.getKey(), of(e.getValue(), source)));
      return new Mapping(source, values);
    }
    if (json.isArray()) {
      List<YamlNode> values = new ArrayList<>();
      json.forEach(v -> values.add(of(v, source)));
      return new Sequence(source, values);
    }
    return new Scalar(source, json.asText(), json.isTextual());
  }
}
