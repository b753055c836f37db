package org.autodidact.spark.wire;

import java.io.Serializable;
import java.time.Clock;
import java.time.Instant;
import java.time.ZoneId;
import java.util.TreeMap;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Checkpoint;
import org.autodidact.api.ComputeSettings;
import org.autodidact.api.ComputeSettings.Device;
import org.autodidact.api.ComputeSettings.Precision;
import org.autodidact.api.GeneratorProvider.GeneratorContext;
import org.autodidact.api.PartOptions;

/**
 * What an executor opens. Equal ones are the same model, which it opens once.
 *
 * @param versions of this plugin and of the generator's, as the driver has them; empty where a jar
 *     does not say
 * @param generator the name of the generator that it opens
 * @param checkpoint where the model is
 * @param precision its name
 * @param threads as in {@link ComputeSettings}
 * @param memoryMegabytes as in {@link ComputeSettings}
 * @param device its name
 * @param options the generator's, as they are written: an environment variable is the executor's
 * @param time that a chat template may write
 * @param zone of that time
 */
public record ModelSpec(
    Versions versions,
    String generator,
    SentCheckpoint checkpoint,
    String precision,
    int threads,
    int memoryMegabytes,
    String device,
    TreeMap<String, String> options,
    Instant time,
    String zone)
    implements Serializable {

  /** The versions of this plugin and of the one that has the generator. */
  public record Versions(String spark, String generator) implements Serializable {}

  /** A model with the settings of a context. */
  public static ModelSpec of(
      Versions versions,
      String generator,
      SentCheckpoint checkpoint,
      TreeMap<String, String> options,
      GeneratorContext context) {
    ComputeSettings compute = context.compute();
    return new ModelSpec(
        versions,
        generator,
        checkpoint,
        compute.precision().name(),
        compute.threads(),
        compute.memoryMegabytes(),
        compute.device().name(),
        options,
        context.clock().instant(),
        context.clock().getZone().getId());
  }

  /** The context to open it with, where {@code found} is the checkpoint on this machine. */
  public GeneratorContext context(Checkpoint found, Cancellation cancellation) {
    return new GeneratorContext(
        found,
        new ComputeSettings(
            new Precision(precision), threads, memoryMegabytes, Device.valueOf(device)),
        PartOptions.of(options),
        Clock.fixed(time, ZoneId.of(zone)),
        cancellation);
  }
}
