package org.autodidact.pytorch.program;

import ai.djl.Device;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.IValue;
import org.autodidact.pytorch.data.PackedMicroBatch;
import org.autodidact.pytorch.loss.LossTerms;

/** A micro-batch that was run forward, with the activations that backward needs. Owns these. */
public final class ForwardPass implements AutoCloseable {
  private final TrainingProgram program;
  private final PackedMicroBatch batch;
  private final PtNDManager scope;
  private final TorchValues values;
  private final IValue sums;
  private final IValue state;

  ForwardPass(
      TrainingProgram program,
      PackedMicroBatch batch,
      PtNDManager scope,
      TorchValues values,
      IValue... sumsAndState) {
    this.program = program;
    this.batch = batch;
    this.scope = scope;
    this.values = values;
    this.sums = sumsAndState[0];
    this.state = sumsAndState[1];
  }

  /** Σ ln p of each sequence's scored tokens. Waits for a GPU to have computed them. */
  public double[] logProbabilities() {
    return program.read(sums.toTensor(scope));
  }

  /** The same where it was computed, for later. */
  PtNDArray sums(PtNDManager owner) {
    return sums.toTensor(owner);
  }

  /**
   * Accumulates the loss's gradients on the device, which the host does not wait for. Once; in
   * place of the other. The log-probabilities come with the next {@link TrainingProgram#step}.
   */
  public void backward(LossTerms terms) {
    int sequences = terms.rows().length / 4;
    PtNDManager host = scope.newSubManager(Device.cpu());
    values.call(
        "device_backward",
        values.of((PtNDArray) host.create(terms.rows(), new Shape(4, sequences))),
        values.of(terms.kind()),
        values.of(terms.weight()),
        values.of(terms.beta()),
        values.of(terms.gamma()),
        sums,
        state);
    program.readWithStep(this);
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
