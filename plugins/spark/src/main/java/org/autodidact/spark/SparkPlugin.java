package org.autodidact.spark;

import java.util.List;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.Plugin;
import org.autodidact.spark.executor.Delegates;

/**
 * Brings, for each generator of the other plugins on the class path, one of the same name after
 * {@code spark-}, as {@code spark-onnxruntime}: what each can do is then known before any work.
 */
public final class SparkPlugin implements Plugin {
  @Override
  public String name() {
    return Delegates.SPARK;
  }

  @Override
  public List<GeneratorProvider> generators() {
    return Delegates.all().stream()
        .map(delegate -> (GeneratorProvider) new SparkProvider(delegate))
        .toList();
  }

  @Override
  public List<String> diagnose() {
    return List.of(
        SparkProvider.isThere()
            ? "Spark is on the class path"
            : "Spark is not on the class path: start by spark-submit");
  }
}
