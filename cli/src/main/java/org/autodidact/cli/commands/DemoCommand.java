package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.Callable;
import org.autodidact.api.InvalidInputException;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.output.Progress;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.demo.Demo;
import org.autodidact.demo.DemoSettings;
import org.autodidact.demo.Verified;
import org.autodidact.engine.report.HtmlReport;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

@Command(
    name = "demo",
    description =
        "A small model of our own teaches itself, M1 → M2 → M3, and is held against a truth that"
            + " training never sees. Offline.",
    mixinStandardHelpOptions = true)
public final class DemoCommand implements Callable<Integer> {
  @Option(
      names = "--output",
      paramLabel = "RUN",
      description =
          "the run's folder (default: runs/demo, runs/demo-random, …); with --seeds a folder in it"
              + " each")
  private Path output;

  @Option(
      names = "--judge",
      defaultValue = "additive",
      description =
          "additive: its own (default); random: a control that knows nothing; oracle: the truth")
  private String judge;

  @Option(
      names = "--positive-only",
      description = "a control: fine-tune on the best answers, prefer nothing")
  private boolean positiveOnly;

  @Option(names = "--seed", defaultValue = "1", description = "the first seed (default: 1)")
  private long seed;

  @Option(names = "--seeds", defaultValue = "1", description = "how many seeds (default: 1)")
  private int seeds;

  @Option(names = "--model", paramLabel = "DIR", description = "another M0 than the one inside")
  private Path model;

  @Option(
      names = "--set",
      paramLabel = "KEY=VALUE",
      description = "another setting of the run, for any key of docs/configuration.md")
  private Map<String, String> overrides = new LinkedHashMap<>();

  @Mixin private JsonReport report;

  @Override
  public Integer call() {
    if (!List.of("additive", "random", "oracle").contains(judge)) {
      throw new InvalidInputException(
          "--judge must be additive, random or oracle, found '" + judge + "'");
    }
    report.startWork();
    List<List<Verified>> all = new ArrayList<>();
    for (long s = seed; s < seed + seeds; s++) {
      DemoSettings settings = DemoSettings.standard(s, judge, positiveOnly);
      Path folder = folder(s);
      all.add(
          SignalHandling.guard(
              c ->
                  Demo.run(
                      Optional.ofNullable(model), settings, folder, overrides, new Progress(), c)));
    }
    report
        .put("iterates", all.size() == 1 ? rows(all.get(0)) : all.stream().map(this::rows).toList())
        .times()
        .print(
            table(all)
                + String.format(
                    Locale.ROOT, "%nthe report is in %s", folder(seed).resolve(HtmlReport.FILE)));
    return 0;
  }

  private Path folder(long s) {
    String control = judge.equals("additive") ? "" : "-" + judge;
    Path base =
        output == null
            ? Path.of("runs", "demo" + control + (positiveOnly ? "-positive-only" : ""))
            : output;
    return seeds == 1 && (s == 1 || output != null) ? base : base.resolve("seed-" + s);
  }

  private List<Map<String, Object>> rows(List<Verified> iterates) {
    return iterates.stream()
        .map(
            v -> {
              Map<String, Object> row = new LinkedHashMap<>();
              row.put("name", v.name());
              row.put("verified_mean", JsonReport.rounded(v.mean()));
              row.put("verified_stderr", JsonReport.rounded(v.standardError()));
              row.put("perfect", JsonReport.rounded(v.perfect()));
              row.put("judge_pairwise_accuracy", JsonReport.rounded(v.judgePairwise()));
              return row;
            })
        .toList();
  }

  private static String table(List<List<Verified>> all) {
    StringBuilder text =
        new StringBuilder(
            String.format(
                Locale.ROOT,
                "%n%-6s%-17s%-10s%-17s%-8s%s%n",
                "",
                "verified, of 5",
                "perfect",
                "judge, pairwise",
                "tokens",
                "pairs"));
    for (List<Verified> iterates : all) {
      for (Verified v : iterates) {
        text.append(
            String.format(
                Locale.ROOT,
                "%-6s%.3f ± %.3f    %5.1f %%   %.3f ± %.3f    %4.1f    %s%n",
                v.name(),
                v.mean(),
                v.standardError(),
                100 * v.perfect(),
                v.judgePairwise(),
                v.judgeError(),
                v.meanLength(),
                v.madePairs() < 0 ? "" : v.madePairs()));
      }
    }
    if (all.size() > 1) {
      text.append(overSeeds(all));
    }
    Verified first = all.get(0).get(0);
    Verified last = all.get(0).get(all.get(0).size() - 1);
    for (int i = 0; i < 4; i++) {
      text.append(String.format(Locale.ROOT, "%n%s%n", first.examples().get(i).instruction()));
      for (Verified v : List.of(first, last)) {
        Verified.Example e = v.examples().get(i);
        text.append(
            String.format(Locale.ROOT, "  %s  %d of 5  %s%n", v.name(), e.points(), e.answer()));
      }
    }
    return text.toString();
  }

  /** Means over seeds, and each iterate's gain over the one before with its standard error. */
  private static String overSeeds(List<List<Verified>> all) {
    StringBuilder text =
        new StringBuilder(String.format(Locale.ROOT, "%nover %d seeds%n", all.size()));
    for (int i = 0; i < all.get(0).size(); i++) {
      int iterate = i;
      double mean = all.stream().mapToDouble(v -> v.get(iterate).mean()).average().orElseThrow();
      text.append(String.format(Locale.ROOT, "%-8s%.3f", all.get(0).get(i).name(), mean));
      if (i > 0) {
        double[] gains =
            all.stream()
                .mapToDouble(v -> v.get(iterate).mean() - v.get(iterate - 1).mean())
                .toArray();
        double gain = Arrays.stream(gains).average().orElseThrow();
        double squares = Arrays.stream(gains).map(g -> (g - gain) * (g - gain)).sum();
        text.append(
            String.format(
                Locale.ROOT,
                "   gain %.3f ± %.3f",
                gain,
                Math.sqrt(squares / (gains.length - 1) / gains.length)));
      }
      text.append(System.lineSeparator());
    }
    return text.toString();
  }
}
