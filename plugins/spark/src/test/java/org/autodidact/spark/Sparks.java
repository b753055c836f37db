package org.autodidact.spark;

import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneOffset;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.Predicate;
import java.util.stream.Collectors;
import org.apache.spark.SparkConf;
import org.apache.spark.SparkContext;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.ComputeSettings.Precision;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.PartOptions;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.onnxruntime.OnnxRuntimePlugin;

/** Spark's contexts, and generators on them. */
final class Sparks {
  private static final Locale LOCALE = Locale.getDefault();

  private Sparks() {}

  /**
   * Starts a cluster of processes on this machine: a master and workers in this one, an executor
   * for each worker in a process of its own. Workers start executors with Spark's home, of which
   * they want nothing but that it has a folder of jars; the class path is the test's.
   *
   * <p>Until {@link #stop} digits are those of no locale: Spark's master names an application, and
   * a worker its folder, by those of this process, which the C locale cannot write.
   */
  static SparkContext cluster(
      int workers, Map<String, String> more, Predicate<String> onClassPath) {
    try {
      Files.createDirectories(Path.of(System.getenv("SPARK_HOME"), "jars"));
    } catch (IOException e) {
      throw new IllegalStateException(e);
    }
    String path =
        Arrays.stream(System.getProperty("java.class.path").split(File.pathSeparator, -1))
            .filter(onClassPath)
            .collect(Collectors.joining(File.pathSeparator));
    SparkConf conf = conf("local-cluster[" + workers + ",1,1024]");
    conf.set("spark.executor.extraClassPath", path);
    conf.set("spark.executor.memory", "512m");
    conf.set("spark.executor.extraJavaOptions", "-XX:+UseSerialGC");
    more.forEach(conf::set);
    Locale.setDefault(Locale.ROOT);
    return SparkContext.getOrCreate(conf);
  }

  static void stop(SparkContext spark) {
    spark.stop();
    Locale.setDefault(LOCALE);
  }

  static SparkContext local() {
    return SparkContext.getOrCreate(conf("local[2]"));
  }

  private static SparkConf conf(String master) {
    return new SparkConf()
        .setMaster(master)
        .setAppName("autodidact-tests")
        .set("spark.ui.enabled", "false")
        .set("spark.driver.host", "127.0.0.1")
        .set("spark.driver.bindAddress", "127.0.0.1");
  }

  static GeneratorProvider provider(String delegate) {
    return new SparkPlugin()
        .generators().stream()
            .filter(p -> p.name().equals("spark-" + delegate))
            .findFirst()
            .orElseThrow();
  }

  static Generator open(String delegate, Path model, Precision precision, String... options) {
    Map<String, String> given = new HashMap<>();
    for (int i = 0; i < options.length; i += 2) {
      given.put(options[i], options[i + 1]);
    }
    return provider(delegate).open(context(model, precision, 0, given));
  }

  /** The same model by ONNX Runtime in this process. */
  static Generator here(Path model, Precision precision, int threads) {
    return new OnnxRuntimePlugin()
        .generators()
        .get(0)
        .open(context(model, precision, threads, Map.of()));
  }

  private static GeneratorContext context(
      Path model, Precision precision, int threads, Map<String, String> options) {
    return new GeneratorContext(
        new Checkpoint("M1", model),
        new ComputeSettings(precision, threads, 0),
        PartOptions.of(options),
        Clock.fixed(Instant.EPOCH, ZoneOffset.UTC),
        new Cancellation());
  }

  static List<GenerationRequest> requests(int count) {
    List<GenerationRequest> requests = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      requests.add(
          new GenerationRequest(
              Prompt.of("p" + i, "Say number " + i + " again".repeat(i % 5)),
              List.of(7L + i, 3L, 11L),
              SamplingParameters.candidates(1 + (i * 5) % 20)));
    }
    return requests;
  }

  /** All generations by id: records, so that equal ones are equal to the last bit. */
  static Map<String, Generation> generate(Generator generator, int count) {
    Map<String, Generation> found = new HashMap<>();
    generator.generate(requests(count), g -> found.put(g.promptId(), g), new Cancellation());
    return found;
  }
}
