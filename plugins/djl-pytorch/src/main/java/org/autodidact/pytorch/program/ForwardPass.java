package org.autodidact.pytorch.program;

import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import java.util.stream.IntStream;
import org.autodidact.pytorch.data.PackedMicroBatch;

/** A micro-batch that was run forward, with the activations that backward needs. Owns these. */
public final class ForwardPass implements AutoCloseable {
  private final PackedMicroBatch batch;
  private final PtNDManager scope;
  private final TorchValues values;
  private final IValue state;
  private final double[] logProbabilities;

  ForwardPass(
      PackedMicroBatch batch, PtNDManager scope, TorchValues values, IValue state, float... sums) {
    this.batch = batch;
    this.scope = scope;
    this.values = values;
    this.state = state;
    this.logProbabilities = IntStream.range(0, sums.length).mapToDouble(i -> sums[i]).toArray();
  }

  /** Σ ln p of each sequence's scored tokens. */
  public double[] logProbabilities() {
    return logProbabilities;
  }

  /**
   * Accumulates the loss's gradients. Once.
   *
   * @param gradients the loss's derivative with respect to each of {@link #logProbabilities}
   */
  public void backward(double[] gradients) {
    float[] coefficients = new float[batch.segmentIds().length];
    for (int i = 0; i < coefficients.length; i++) {
      coefficients[i] = (float) gradients[(int) batch.segmentIds()[i]];
    }
    values.call("backward", values.of((PtNDArray) scope.create(coefficients)), state);
  }

  @Override
  public void close() {
    values.close();
    scope.close();
  }
}
