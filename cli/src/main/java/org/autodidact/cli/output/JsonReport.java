package org.autodidact.cli.output;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.stream.Collectors;
import org.autodidact.api.ShownText;
import picocli.CommandLine.Option;

/** {@code --json}: one JSON object as the last line of standard output, for machines. */
public final class JsonReport {
  private static final JsonMapper JSON = new JsonMapper();

  @Option(names = "--json", description = "print one JSON object as the last line")
  private boolean wanted;

  private final Map<String, Object> facts = new LinkedHashMap<>();
  private double startup;
  private long start;

  public JsonReport put(String name, Object value) {
    facts.put(name, value);
    return this;
  }

  /** Starts the clock of the work; what was before is start-up. */
  public void startWork() {
    Instant now = Instant.now();
    Instant begin = ProcessHandle.current().info().startInstant().orElse(now);
    startup = Duration.between(begin, now).toMillis() / 1e3;
    start = System.nanoTime();
  }

  /** Seconds since the work started. */
  public double seconds() {
    return (System.nanoTime() - start) / 1e9;
  }

  /** Reports the seconds of the work and of the start-up, and the peak memory. */
  public JsonReport times() {
    return put("seconds", rounded(seconds()))
        .put("startup_seconds", rounded(startup))
        .put("peak_rss_mb", peakMegabytes());
  }

  /** Reports the work on {@code tokens} from its start to now. */
  public JsonReport work(long tokens) {
    double seconds = seconds();
    return put("tokens", tokens)
        .put("seconds", rounded(seconds))
        .put("tokens_per_second", rounded(tokens / seconds))
        .put("peak_rss_mb", peakMegabytes())
        .put("startup_seconds", rounded(startup));
  }

  /** Prints the object, or the line for people. */
  public void print(String forPeople) {
    System.out.println(
        wanted
            ? text(facts)
            : forPeople.lines().map(ShownText::escaped).collect(Collectors.joining("\n")));
  }

  public static String text(Object value) {
    try {
      return JSON.writeValueAsString(value);
    } catch (JsonProcessingException e) {
      throw new IllegalStateException(e);
    }
  }

  public static double rounded(double value) {
    return Math.round(value * 1000) / 1000.0;
  }

  /** The process's highest resident memory in MiB as Linux counts it; -1 elsewhere. */
  public static long peakMegabytes() {
    try {
      return Files.readAllLines(Path.of("/proc/self/status")).stream()
          .filter(l -> l.startsWith("VmHWM:"))
          .mapToLong(l -> Long.parseLong(l.replaceAll("\\D", "")) / 1024)
          .findFirst()
          .orElse(-1);
    } catch (IOException e) {
      return -1;
    }
  }
}
