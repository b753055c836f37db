package org.autodidact.external;

import com.fasterxml.jackson.core.type.TypeReference;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.nio.file.Path;
import java.time.Clock;
import java.util.Map;
import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.files.BoundedFiles;
import org.autodidact.checkpoints.jinja.JinjaException;
import org.autodidact.checkpoints.jinja.JinjaTemplate;

/**
 * Writes rows in the form that a command reads. The template has the keys of a row in TRL's form as
 * its variables ({@code prompt}, {@code chosen}, {@code rejected} or {@code completion}, lists of
 * messages; their {@code _ids}, {@code consistency}) and writes one line.
 */
final class RowTemplate {
  /** Characters of a template's file; more is no template. */
  private static final int LONGEST = 1 << 20;

  private static final JsonMapper JSON = new JsonMapper();

  private final Path file;
  private final JinjaTemplate template;
  private final Clock clock;

  private RowTemplate(Path file, JinjaTemplate template, Clock clock) {
    this.file = file;
    this.template = template;
    this.clock = clock;
  }

  /**
   * @throws InvalidInputException where the file is not there, or is no template
   */
  static RowTemplate read(Path file, Clock clock) {
    try {
      return new RowTemplate(
          file, JinjaTemplate.parse(BoundedFiles.text(file, LONGEST, "a Jinja template")), clock);
    } catch (JinjaException e) {
      throw refused(file, e);
    }
  }

  /** The line of a row. */
  String line(ObjectNode row) {
    Map<String, Object> variables = JSON.convertValue(row, new TypeReference<>() {});
    String line;
    try {
      line = template.render(variables, clock).strip();
    } catch (JinjaException e) {
      throw refused(file, e);
    }
    if (line.isEmpty() || line.indexOf('\n') >= 0 || line.indexOf('\r') >= 0) {
      throw new InvalidInputException(
          "the option 'row-template' ("
              + file
              + ") must write one line, found "
              + (line.isEmpty() ? "none" : line.lines().count())
              + "; write texts with the filter tojson");
    }
    return line;
  }

  private static InvalidInputException refused(Path file, JinjaException e) {
    return new InvalidInputException(
        "the option 'row-template' ("
            + file
            + ", line "
            + e.line()
            + ") cannot be used: "
            + e.getMessage(),
        e);
  }
}
