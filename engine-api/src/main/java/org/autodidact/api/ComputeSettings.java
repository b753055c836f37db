package org.autodidact.api;

import java.util.Objects;

/**
 * The resources that a plugin may use: arithmetic, threads, cache memory and device.
 *
 * @param precision the arithmetic to use
 * @param threads threads for computing; 0 lets the plugin take all cores
 * @param memoryMegabytes MiB that KV caches may take beside the weights; 0 lets the plugin choose
 * @param device where it computes; trainers take {@code TENSORRT} as {@code CUDA}
 */
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

  /** Arithmetic of a plugin. A plugin that lacks one says which it has. */
  public enum Precision {
    /** The plugin's choice for this machine and work. */
    AUTO,
    FP32,
    BF16,
    /** Weights and activations in 8 bits. */
    INT8,
    /** Weights alone in 8 bits: for few sequences at a time. */
    INT8_WEIGHTS
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
