package org.autodidact.engine.report;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Objects;
import java.util.OptionalDouble;
import java.util.SortedMap;
import java.util.SortedSet;
import java.util.TreeSet;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.PreferencePair;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingMetrics;
import org.autodidact.engine.prompts.CreatedPrompt;
import org.autodidact.engine.store.IterationStore;
import org.autodidact.engine.store.IterationStore.Learner;
import org.autodidact.engine.store.IterationStore.PairPositions;
import org.autodidact.engine.store.IterationStore.SampledCandidate;
import org.autodidact.engine.store.ModelHandover;
import org.autodidact.engine.store.PromptRange;
import org.autodidact.engine.store.RunStore;

/**
 * Writes a run as one HTML file: pictures, examples, configuration and provenance.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class HtmlReport {
  /** The report's file in a run's folder. */
  public static final String FILE = "report.html";

  private static final int EXAMPLES = 3;

  /** Points of a scale that have a bar each, and bars of a scale with more. */
  private static final int MOST_POINTS = 10;

  private final RunStore store;
  private final List<ExternalEvaluation> evaluated;
  private final StringBuilder html = new StringBuilder();

  private HtmlReport(RunStore store) {
    this.store = store;
    this.evaluated = ExternalEvaluation.read(store);
  }

  /** Writes it into the run's folder, and gives the file. */
  public static Path write(RunStore store) {
    return write(store, store.folder().resolve(FILE));
  }

  /** Writes it into a file, which is whole or as it was. */
  public static Path write(RunStore store, Path file) {
    String html = new HtmlReport(store).html();
    Path half = file.resolveSibling(file.getFileName() + ".half");
    try {
      try {
        Files.writeString(half, html);
        Files.move(half, file, StandardCopyOption.REPLACE_EXISTING);
      } finally {
        Files.deleteIfExists(half);
      }
    } catch (IOException e) {
      throw new StorageException(
          file + ": the report cannot be written: " + e + "; --output names another file", e);
    }
    return file;
  }

  private String html() {
    List<Integer> iterations =
        IntStream.iterate(1, t -> !store.iterations().prompts(t).isEmpty(), t -> t + 1)
            .boxed()
            .toList();
    section("The loop", resource("loop.svg") + counts());
    if (!evaluated.isEmpty()) {
      section("Against the truth", truth());
    }
    created(iterations);
    section(
        "Scores that the judge gave",
        charts(iterations.stream().map(this::scores).collect(Collectors.joining())));
    section("Length of the candidates", lengths(iterations));
    section("Drift, iterate by iterate", drift());
    section("Training", training());
    section("From the trainer to the generator", handovers());
    section("Time", table(List.of("stage", "seconds"), times()));
    if (!store.usage().isEmpty()) {
      section(
          "Asked of servers",
          table(List.of("model", "requests", "tokens in", "tokens out"), usage()));
    }
    section("Examples", iterations.stream().map(this::examples).collect(Collectors.joining()));
    section("Configuration", "<pre>" + Html.text(store.property("config").orElse("")) + "</pre>");
    section(
        "Provenance",
        table(
            List.of("model", "from", "how"),
            store.models().stream()
                .map(m -> List.of(m.name(), m.parent().orElse("outside"), m.provenance()))
                .toList()));
    return resource("report.html")
        .replace("{{style}}", resource("report.css"))
        .replace(
            "{{title}}",
            Html.text(store.folder().toAbsolutePath().normalize().getFileName().toString()))
        .replace("{{body}}", html);
  }

  private void section(String title, String content) {
    html.append("<section><h2>").append(title).append("</h2>\n").append(content);
    html.append("</section>\n");
  }

  private String counts() {
    return table(
        List.of("stored", "rows"),
        store.counts().entrySet().stream()
            .map(e -> List.of(e.getKey().replace('_', ' ') + "s", e.getValue().toString()))
            .toList());
  }

  private String truth() {
    List<String> names = evaluated.stream().map(ExternalEvaluation::name).toList();
    List<List<String>> rows = new ArrayList<>();
    for (ExternalEvaluation e : evaluated) {
      rows.add(
          List.of(
              e.name(),
              Chart.number(e.verifiedMean()) + " ± " + Chart.number(e.verifiedStderr()),
              Chart.number(100 * e.perfect()) + " %",
              Chart.number(e.judgePairwiseAccuracy()) + " ± " + Chart.number(e.judgeStderr()),
              Chart.number(e.meanTokens())));
    }
    return table(List.of("iterate", "verified, of 5", "perfect", "judge, pairwise", "tokens"), rows)
        + charts(
            Chart.points(
                "Verified score, of 5",
                names,
                evaluated.stream().map(ExternalEvaluation::verifiedMean).toList(),
                evaluated.stream().map(ExternalEvaluation::verifiedStderr).toList()),
            Chart.points(
                "Judge's agreement with the truth",
                names,
                evaluated.stream().map(ExternalEvaluation::judgePairwiseAccuracy).toList(),
                evaluated.stream().map(ExternalEvaluation::judgeStderr).toList()));
  }

  /** The outcomes of self-instruct's attempts, and the examples of some kept prompts. */
  private void created(List<Integer> iterations) {
    List<List<CreatedPrompt>> all = iterations.stream().map(store.iterations()::created).toList();
    if (all.stream().allMatch(List::isEmpty)) {
      return;
    }
    SortedSet<String> outcomes = new TreeSet<>();
    all.forEach(made -> made.forEach(c -> outcomes.add(c.outcome())));
    List<String> head = new ArrayList<>(List.of("outcome"));
    iterations.forEach(t -> head.add("M" + t));
    List<List<String>> rows = new ArrayList<>();
    for (String outcome : outcomes) {
      List<String> row = new ArrayList<>(List.of(outcome));
      for (List<CreatedPrompt> made : all) {
        row.add(Long.toString(made.stream().filter(c -> c.outcome().equals(outcome)).count()));
      }
      rows.add(row);
    }
    List<List<String>> examples =
        all.stream()
            .flatMap(made -> made.stream().filter(CreatedPrompt::kept).limit(EXAMPLES))
            .map(c -> List.of(c.id(), c.text(), String.join(", ", c.shots())))
            .toList();
    section(
        "Prompts that were made",
        table(head, rows) + table(List.of("prompt", "text", "made after"), examples));
  }

  private String scores(int iteration) {
    Bins bins = Bins.of(store.scale());
    int[] counts = new int[bins.labels().size()];
    int[] without = {0};
    store
        .iterations()
        .forEachScore(
            iteration,
            score -> score.ifPresentOrElse(s -> counts[bins.of(s)]++, () -> without[0]++));
    int none = without[0];
    return Chart.histogram(
        "M" + iteration + (none == 0 ? "" : ", " + none + " without a score"),
        bins.labels(),
        IntStream.of(counts).boxed().toList());
  }

  /**
   * The bars of a scale: one a point, which scores are rounded to, where it has few points; else
   * ten of one width.
   */
  private record Bins(Judge.Scale scale, boolean points, List<String> labels) {
    static Bins of(Judge.Scale scale) {
      boolean points =
          scale.lowest() == Math.rint(scale.lowest())
              && scale.highest() == Math.rint(scale.highest())
              && scale.width() <= MOST_POINTS;
      int count = points ? (int) scale.width() + 1 : MOST_POINTS;
      return new Bins(
          scale,
          points,
          IntStream.range(0, count)
              .mapToObj(
                  i ->
                      points
                          ? Long.toString((long) scale.lowest() + i)
                          : Chart.number(scale.lowest() + scale.width() * i / count))
              .toList());
    }

    int of(double score) {
      double at = score - scale.lowest();
      double bin = points ? Math.round(at) : Math.floor(at / scale.width() * labels.size());
      return (int) Math.min(labels.size() - 1, Math.max(0, bin));
    }
  }

  private String lengths(List<Integer> iterations) {
    List<String> models = new ArrayList<>();
    List<Double> means = new ArrayList<>();
    for (int t : iterations) {
      if (store.iterations().sampledCount(t, 0) > 0) {
        models.add("M" + t);
        means.add(store.iterations().meanTokens(t).orElse(0));
      }
    }
    return models.isEmpty()
        ? "<p>No candidates yet.</p>"
        : charts(Chart.points("Mean tokens", models, means, List.of()));
  }

  /** Every metric of every iterate, and what a guard said. */
  private String drift() {
    List<Integer> iterations =
        IntStream.iterate(
                1,
                t ->
                    !store.iterations().prompts(t).isEmpty()
                        || !store.iterations().metrics(t).isEmpty(),
                t -> t + 1)
            .boxed()
            .toList();
    List<SortedMap<String, Double>> metrics =
        iterations.stream().map(store.iterations()::metrics).toList();
    SortedSet<String> names = new TreeSet<>();
    metrics.forEach(m -> names.addAll(m.keySet()));
    if (names.isEmpty()) {
      return "<p>Nothing measured yet.</p>";
    }
    List<String> head = new ArrayList<>(List.of("metric"));
    iterations.forEach(t -> head.add("M" + t));
    List<List<String>> rows = new ArrayList<>();
    for (String name : names) {
      List<String> row = new ArrayList<>(List.of(name.replace('-', ' ')));
      metrics.forEach(m -> row.add(m.containsKey(name) ? Chart.number(m.get(name)) : ""));
      rows.add(row);
    }
    StringBuilder said = new StringBuilder();
    store
        .properties("guard: ")
        .forEach(
            (name, text) ->
                said.append("<p><b>")
                    .append(Html.text(name.substring(7, name.lastIndexOf(": "))))
                    .append("</b>: ")
                    .append(Html.text(text))
                    .append("</p>"));
    return table(head, rows) + said;
  }

  private String training() {
    StringBuilder all = new StringBuilder();
    for (RunStore.ModelRow model : store.models()) {
      List<TrainingMetrics> steps = store.trainingLog().steps(model.name());
      if (!steps.isEmpty()) {
        StringBuilder charts = new StringBuilder();
        SortedSet<String> metrics = new TreeSet<>();
        steps.forEach(s -> metrics.addAll(s.values().keySet()));
        for (String metric : metrics) {
          List<Double> values =
              steps.stream()
                  .map(s -> s.value(metric))
                  .filter(OptionalDouble::isPresent)
                  .map(OptionalDouble::getAsDouble)
                  .toList();
          charts.append(Chart.line(model.name() + ": " + metric, values));
        }
        all.append(charts(charts.toString()));
      }
    }
    return all.isEmpty() ? "<p>No training step yet.</p>" : all.toString();
  }

  /** The comparison of generator and trainer on the same tokens, model by model. */
  private String handovers() {
    List<List<String>> rows = new ArrayList<>();
    ModelHandover.all(store)
        .forEach(
            (model, c) ->
                rows.add(
                    List.of(
                        model,
                        c.verdict(),
                        Integer.toString(c.probes()),
                        Integer.toString(c.tokens()),
                        small(c.mean()),
                        small(c.largest()),
                        small(c.bound()),
                        Chart.number(c.seconds()))));
    return rows.isEmpty()
        ? "<p>Nothing handed over yet.</p>"
        : table(
            List.of(
                "model",
                "verdict",
                "probes",
                "tokens",
                "mean Δ ln p a token",
                "largest",
                "bound",
                "seconds"),
            rows);
  }

  private static String small(double value) {
    return String.format(Locale.ROOT, "%.1e", value);
  }

  private List<List<String>> times() {
    return store.stageSeconds().entrySet().stream()
        .map(e -> List.of(e.getKey(), Chart.number(e.getValue())))
        .toList();
  }

  private List<List<String>> usage() {
    return store.usage().entrySet().stream()
        .map(
            e ->
                List.of(
                    e.getKey(),
                    Long.toString(e.getValue().requests()),
                    Long.toString(e.getValue().tokensIn()),
                    Long.toString(e.getValue().tokensOut())))
        .toList();
  }

  private String examples(int iteration) {
    IterationStore stored = store.iterations();
    List<PairPositions> positions = stored.pairPositions(Learner.NEXT, iteration);
    List<PreferencePair> pairs = stored.pairs(iteration);
    StringBuilder text = new StringBuilder();
    for (int i = 0; i < Math.min(EXAMPLES, pairs.size()); i++) {
      PreferencePair pair = pairs.get(i);
      int prompt = positions.get(i).prompt();
      PromptRange one = new PromptRange(prompt, prompt + 1);
      Map<Integer, SampledCandidate> sampled = stored.candidates(iteration, one).get(prompt);
      text.append("<article><h3>M").append(iteration).append(": ");
      text.append(Html.text(pair.prompt().instruction())).append("</h3>\n<ol>");
      stored
          .judged(iteration, one)
          .get(prompt)
          .forEach((c, j) -> text.append(candidate(sampled.get(c).model(), j, pair)));
      text.append("</ol></article>\n");
    }
    return text.isEmpty() ? "<p>No pair in iteration " + iteration + ".</p>" : text.toString();
  }

  private static String candidate(String model, JudgedCandidate candidate, PreferencePair pair) {
    String role =
        candidate.equals(pair.chosen())
            ? "chosen"
            : candidate.equals(pair.rejected()) ? "rejected" : "";
    OptionalDouble score = candidate.judgement().score();
    return String.format(
        Locale.ROOT,
        "<li class=\"%s\"><p><b>%s: %s %s</b> %s</p><details><summary>judgements</summary>%s</details></li>",
        role,
        Html.text(model),
        score.isPresent() ? Chart.number(score.getAsDouble()) : "no score",
        role,
        Html.text(candidate.candidate().text()),
        candidate.judgement().samples().stream()
            .map(JudgementSample::text)
            .map(t -> "<p>" + (t.isEmpty() ? "nothing written" : Html.text(t)) + "</p>")
            .collect(Collectors.joining()));
  }

  private static String charts(String... charts) {
    return "<div class=\"charts\">" + String.join("", charts) + "</div>\n";
  }

  private static String table(List<String> head, List<List<String>> rows) {
    StringBuilder text = new StringBuilder("<div class=\"scroll\"><table><thead><tr>");
    head.forEach(h -> text.append("<th>").append(Html.text(h)).append("</th>"));
    text.append("</tr></thead><tbody>");
    for (List<String> row : rows) {
      text.append("<tr>");
      row.forEach(cell -> text.append("<td>").append(Html.text(cell)).append("</td>"));
      text.append("</tr>");
    }
    return text.append("</tbody></table></div>\n").toString();
  }

  private static String resource(String name) {
    try (InputStream in = HtmlReport.class.getResourceAsStream(name)) {
      return new String(Objects.requireNonNull(in, name).readAllBytes(), StandardCharsets.UTF_8);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}
