package org.autodidact.api;

import java.util.List;
import java.util.Objects;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * The resources that a plugin may use: arithmetic, threads, cache memory and device.
 *
 * @param precision the arithmetic to use
 * @param threads threads for computing; 0 lets the plugin take all cores
 * @param memoryMegabytes MiB that KV caches may take beside the weights; 0 lets the plugin choose
 * @param device where it computes; trainers take {@code TENSORRT} as {@code CUDA}
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public record ComputeSettings(
    Precision precision, int threads, int memoryMegabytes, Device device) {
  public ComputeSettings {
    Objects.requireNonNull(precision, "precision");
    Objects.requireNonNull(device, "device");
    if (threads < 0 || memoryMegabytes < 0) {
      throw new InvalidInputException(
          "threads and memory must be 0 or more, found " + threads + " and " + memoryMegabytes);
    }
  }

  /** On the device that the plugin chooses. */
  public ComputeSettings(Precision precision, int threads, int memoryMegabytes) {
    this(precision, threads, memoryMegabytes, Device.AUTO);
  }

  /** Automatic precision, all cores. */
  public static ComputeSettings automatic() {
    return new ComputeSettings(Precision.AUTO, 0, 0);
  }

  /** The threads to use: {@link #threads()}, but no more than the cores, which 0 stands for. */
  public int effectiveThreads() {
    int cores = Runtime.getRuntime().availableProcessors();
    return threads > 0 ? Math.min(threads, cores) : cores;
  }

  /**
   * Arithmetic of a plugin, by name; a plugin may have others than those named here. One that lacks
   * one says which it has.
   *
   * @param name lower-case letters, digits and hyphens
   */
  public record Precision(String name) {
    /** The plugin's choice for this machine and work. */
    public static final Precision AUTO = new Precision("auto");

    public static final Precision FP32 = new Precision("fp32");
    public static final Precision BF16 = new Precision("bf16");

    /** Weights and activations in 8 bits. */
    public static final Precision INT8 = new Precision("int8");

    /** Weights alone in 8 bits: for few sequences at a time. */
    public static final Precision INT8_WEIGHTS = new Precision("int8-weights");

    /** The precisions named here. */
    public static final List<Precision> KNOWN = List.of(AUTO, FP32, BF16, INT8, INT8_WEIGHTS);

    public Precision {
      Settings.checkName("precision", name);
    }

    /** The name. */
    @Override
    public String toString() {
      return name;
    }
  }

  /** The device that a plugin computes on. A plugin that lacks one says which it has. */
  public enum Device {
    /** The plugin's choice for this machine. */
    AUTO,
    CPU,
    /** NVIDIA's GPUs. */
    CUDA,
    /** NVIDIA's GPUs through TensorRT, which compiles an engine for each checkpoint first. */
    TENSORRT
  }
}
