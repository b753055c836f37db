package org.autodidact.onnxruntime.quantization;

import java.util.ArrayDeque;
import java.util.HashMap;
import java.util.Map;

/**
 * Float32 rows that are used again, a set for each thread and shape: a model's matrices would
 * otherwise go through the heap one after another, and half of the time to the collector.
 * Thread-safe.
 */
final class RowPool {
  private final Map<Shape, ArrayDeque<float[][]>> free = new HashMap<>();

  private record Shape(int rows, int width) {}

  /** Rows with anything in them. */
  synchronized float[][] take(int rows, int width) {
    ArrayDeque<float[][]> given = free.get(new Shape(rows, width));
    return given == null || given.isEmpty() ? new float[rows][width] : given.pop();
  }

  synchronized void give(float[][] rows) {
    free.computeIfAbsent(new Shape(rows.length, rows[0].length), shape -> new ArrayDeque<>())
        .push(rows);
  }
}
