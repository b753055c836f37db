package org.autodidact.external;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.Probe;
import org.autodidact.api.TrainingDivergedException;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingResult;
import org.autodidact.checkpoints.json.JsonFiles;

/**
 * What the command has said of its training so far. The metrics that were handed over are kept in a
 * file of the state folder, so that they are not handed over again. Not thread-safe.
 */
final class Report {
  private static final JsonMapper JSON =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private final TrainingRequest request;
  private final Path file;
  private final List<TrainingMetrics> metrics = new ArrayList<>();
  private final Map<Integer, Probe.Result> probes = new TreeMap<>();
  private Optional<Integer> keptStep = Optional.empty();
  private boolean stoppedEarly;

  private Report(TrainingRequest request, Path file) {
    this.request = request;
    this.file = file;
  }

  /** With the metrics that were handed over before. */
  static Report of(TrainingRequest request, Path folder) throws IOException {
    Report report = new Report(request, folder.resolve(RequestFiles.METRICS));
    if (Files.exists(report.file)) {
      for (String line : Files.readAllLines(report.file)) {
        // The last may be half a line.
        report.object(line).flatMap(report::next).ifPresent(report.metrics::add);
      }
      Files.write(report.file, report.metrics.stream().map(Report::line).toList());
    }
    return report;
  }

  int steps() {
    return metrics.size();
  }

  /** Whether a line reports something; what does not is for people. */
  boolean isReport(String line) {
    return object(line).isPresent();
  }

  /** The object of a line that reports something. */
  private Optional<ObjectNode> object(String line) {
    if (!line.startsWith("{")) {
      return Optional.empty();
    }
    try {
      return JSON.readTree(line) instanceof ObjectNode object
              && (object.path("step").isInt() && object.path("steps").isInt()
                  || object.path("probe").isInt()
                  || object.path("kept-step").isInt())
          ? Optional.of(object)
          : Optional.empty();
    } catch (JsonProcessingException e) {
      return Optional.empty();
    }
  }

  /** The metrics in a line of a process before this one, where they are the next step's. */
  Optional<TrainingMetrics> readEarlier(String line) {
    return object(line).flatMap(this::next);
  }

  /** The metrics of the next step, in a line that reports them. */
  Optional<TrainingMetrics> read(String line) {
    ObjectNode object = object(line).orElseThrow();
    if (object.has("probe")) {
      probe(object);
      return Optional.empty();
    }
    if (object.has("kept-step")) {
      keptStep = Optional.of(object.path("kept-step").asInt());
      stoppedEarly = object.path("stopped-early").asBoolean(false);
      return Optional.empty();
    }
    int step = object.path("step").asInt();
    if (step > steps() + 1 || step < 1 || object.path("steps").asInt() < step) {
      throw new AutodidactException(
          "the command reported step "
              + step
              + " of "
              + object.path("steps").asInt()
              + " after step "
              + steps()
              + "; it must report each step once, counted from 1 (Transformers: logging_steps=1)");
    }
    if (step <= steps()) {
      return Optional.empty(); // done again after a resume
    }
    if (object.has("loss") && !object.path("loss").isNumber()) {
      throw new AutodidactException(
          "the command reported a loss of "
              + JsonFiles.shown(object.path("loss"))
              + " at step "
              + step
              + "; expected a number (other metrics that are none are left out)");
    }
    return Optional.of(
        next(object)
            .orElseThrow(
                () ->
                    new TrainingDivergedException(
                        "step " + step + ": a metric is not finite: " + object,
                        List.of(),
                        "Lower the learning rate")));
  }

  /** The metrics in an object, where they are the next step's and finite. */
  private Optional<TrainingMetrics> next(ObjectNode object) {
    int step = object.path("step").asInt();
    int steps = object.path("steps").asInt();
    if (step != steps() + 1 || steps < step) {
      return Optional.empty();
    }
    Map<String, Double> values = new TreeMap<>();
    for (Map.Entry<String, JsonNode> field : object.properties()) {
      if (field.getValue().isNumber()
          && !List.of("step", "steps", "tokens").contains(field.getKey())) {
        values.put(field.getKey(), field.getValue().asDouble());
      }
    }
    return values.values().stream().allMatch(Double::isFinite)
        ? Optional.of(
            TrainingMetrics.of(step, steps, Math.max(0, object.path("tokens").asLong()), values))
        : Optional.empty();
  }

  private void probe(ObjectNode object) {
    int index = object.path("probe").asInt();
    double rounding = object.path("rounding").asDouble(0);
    double before = object.path("before").asDouble(Double.NaN);
    double after = object.path("after").asDouble(Double.NaN);
    int tokens = object.path("tokens").asInt(-1);
    if (index < 0
        || index >= request.probes().size()
        || !Double.isFinite(before)
        || !Double.isFinite(after)
        || !(rounding >= 0)
        || tokens < 0) {
      throw new AutodidactException(
          "the command scored a probe by "
              + object
              + "; expected one of "
              + request.probes().size()
              + " with 'before', 'after' and 'tokens'");
    }
    probes.put(index, new Probe.Result(before, after, tokens, rounding));
  }

  /** Keeps metrics that are handed over now. */
  void keep(TrainingMetrics step) throws IOException {
    Files.writeString(
        file, line(step) + "\n", StandardOpenOption.CREATE, StandardOpenOption.APPEND);
    metrics.add(step);
  }

  static String line(TrainingMetrics step) {
    ObjectNode line =
        JSON.createObjectNode()
            .put("step", step.step())
            .put("steps", step.steps())
            .put("tokens", step.tokens());
    step.values().forEach(line::put);
    return line.toString();
  }

  /** Refuses an end before the last step. */
  void requireWhole(String command) {
    int last = metrics.isEmpty() ? 0 : metrics.get(metrics.size() - 1).steps();
    if (metrics.isEmpty()) {
      throw new AutodidactException(
          command
              + " ended without the metrics of a step; it must print a line of JSON a step, as"
              + " {\"step\": 1, \"steps\": 10, \"loss\": 0.69}");
    }
    if (steps() < last && !stoppedEarly) {
      throw new AutodidactException(
          command
              + " ended with exit code 0 after step "
              + steps()
              + " of "
              + last
              + "; one that stops early says so: {\"kept-step\": 3, \"stopped-early\": true}");
    }
    if (keptStep.isPresent() && (keptStep.get() < 1 || keptStep.get() > steps())) {
      throw new AutodidactException(
          command + " kept the weights of step " + keptStep.get() + " and made " + steps());
    }
  }

  TrainingResult result() {
    boolean all = probes.size() == request.probes().size();
    return new TrainingResult(
        request.output(),
        metrics,
        stoppedEarly,
        keptStep.orElse(steps()),
        all ? List.copyOf(probes.values()) : List.of());
  }
}
