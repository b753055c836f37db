package org.autodidact.spark;

import java.util.Map;
import java.util.Set;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.ComputeSettings.Device;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PartOptions;
import org.autodidact.spark.driver.SparkContexts;
import org.autodidact.spark.driver.SparkGenerator;
import org.autodidact.spark.driver.Transport;
import org.autodidact.spark.executor.Delegates.Delegate;

/** Opens generators whose work the executors do, each with the delegate. */
record SparkProvider(Delegate delegate) implements GeneratorProvider {
  @Override
  public String name() {
    return "spark-" + delegate.provider().name();
  }

  @Override
  public Class<? extends Record> optionsType() {
    return SparkOptions.class;
  }

  @Override
  public Set<GeneratorCapability> capabilities() {
    return delegate.provider().capabilities();
  }

  @Override
  public void check(GeneratorContext context) {
    SparkOptions options = context.options().read(SparkOptions.class);
    if (!isThere()) {
      throw new InvalidInputException(
          "the generator '"
              + name()
              + "' needs Apache Spark, which is not on the class path; start by spark-submit"
              + " (docs/how-to/spark.md)");
    }
    SparkContexts.check(options.master());
    Transport.check(options.checkpoints());
    checkDelegate(context, options.delegateOptions());
  }

  /**
   * As far as this machine can tell: a device that is asked for by name is the executors', which
   * the driver need not have.
   */
  private void checkDelegate(GeneratorContext context, Map<String, String> options) {
    PartOptions given = PartOptions.of(options);
    try {
      given.read(delegate.provider().optionsType());
    } catch (InvalidInputException e) {
      throw new InvalidInputException("generator-options: " + e.getMessage(), e);
    }
    ComputeSettings compute = context.compute();
    if (compute.device() == Device.AUTO || compute.device() == Device.CPU) {
      delegate
          .provider()
          .check(
              new GeneratorContext(
                  context.checkpoint(), compute, given, context.clock(), context.cancellation()));
    } else if (!capabilities().contains(GeneratorCapability.MODEL_REFERENCES)) {
      context.checkpoint().folder();
    }
  }

  @Override
  public Generator open(GeneratorContext context) {
    check(context);
    context.cancellation().throwIfCancelled();
    SparkOptions options = context.options().read(SparkOptions.class);
    return SparkGenerator.open(
        delegate,
        new SparkGenerator.Settings(
            options.master(),
            options.partitions(),
            options.checkpoints(),
            options.delegateOptions()),
        context);
  }

  /** Whether Spark is on the class path. */
  static boolean isThere() {
    try {
      Class.forName("org.apache.spark.SparkContext", false, SparkProvider.class.getClassLoader());
      return true;
    } catch (ClassNotFoundException | LinkageError e) {
      return false;
    }
  }
}
