package org.autodidact.pytorch.program;

import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import java.util.Arrays;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.autodidact.api.TrainingSettings;

/** Accumulated gradients, and AdamW or Adafactor with its state. The manager owns their memory. */
final class Optimizer {
  private final PtNDManager manager;
  private final PtSymbolBlock script;
  private final boolean adamw;

  /** What is trained: the weights or the adapter's matrices. */
  private final PtNDArray[] trained;

  /** Shaped as {@code trained}. */
  private final PtNDArray[] gradients;

  /** AdamW's means of gradients; Adafactor's means of squares by row. */
  private final PtNDArray[] first;

  /** AdamW's means of squares; Adafactor's by column. */
  private final PtNDArray[] second;

  Optimizer(
      PtNDManager manager,
      PtSymbolBlock script,
      TrainingSettings.Optimizer kind,
      PtNDArray[] trained) {
    this.manager = manager;
    this.script = script;
    this.adamw = kind.equals(TrainingSettings.Optimizer.ADAMW);
    this.trained = trained;
    this.gradients = zeros(s -> s);
    this.first = zeros(s -> adamw || s.dimension() < 2 ? s : new Shape(s.get(0), 1));
    this.second = zeros(s -> adamw ? s : s.dimension() < 2 ? new Shape(1) : new Shape(1, s.get(1)));
  }

  /** By several threads: the kernel takes seconds to hand so much memory to one alone. */
  private PtNDArray[] zeros(UnaryOperator<Shape> shape) {
    return Arrays.stream(trained)
        .parallel()
        .map(t -> (PtNDArray) manager.zeros(shape.apply(t.getShape()), DataType.FLOAT32))
        .toArray(PtNDArray[]::new);
  }

  PtNDArray[] gradients() {
    return gradients;
  }

  /** What is trained and the optimizer's state. */
  PtNDArray[] state() {
    return Stream.of(trained, first, second).flatMap(Arrays::stream).toArray(PtNDArray[]::new);
  }

  /**
   * One step, in place; matrices decay, gains and biases do not. Gradients are cleared. Where their
   * norm is not finite nothing is changed.
   *
   * @param limit of the gradient's 2-norm, 0 for none
   * @return the gradient's 2-norm before clipping
   */
  double step(int step, double rate, double decay, double limit) {
    try (TorchValues values = new TorchValues(script)) {
      double norm = values.call("norm", values.list(gradients)).toDouble();
      if (Double.isFinite(norm)) {
        // As torch.nn.utils.clip_grad_norm_ has it.
        double clip = limit > 0 && norm > limit ? limit / (norm + 1e-6) : 1;
        if (adamw) {
          adamw(values, true, step, rate, decay, clip);
          adamw(values, false, step, rate, 0, clip);
        } else {
          adafactor("adafactor", values, step, rate, decay, values.of(clip));
        }
      }
      return norm;
    }
  }

  /**
   * As {@link #step}, queued on the device: the host waits for nothing. By Adafactor, where the
   * norm is not finite, what is trained is of no use afterwards.
   *
   * @return the gradient's 2-norm before clipping, a tensor of one number; the caller owns it
   */
  PtNDArray deviceStep(int step, double rate, double decay, double limit) {
    try (TorchValues values = new TorchValues(script)) {
      IValue[] norm =
          values.parts(values.call("device_norm", values.list(gradients), values.of(limit)));
      if (adamw) {
        deviceAdamw(values, true, step, rate, decay, norm);
        deviceAdamw(values, false, step, rate, 0, norm);
      } else {
        adafactor("device_adafactor", values, step, rate, decay, norm[1]);
      }
      return norm[0].toTensor(manager);
    }
  }

  private void adafactor(
      String function, TorchValues values, int step, double rate, double decay, IValue clip) {
    values.call(
        function,
        values.list(trained),
        values.list(gradients),
        values.list(first),
        values.list(second),
        values.of(Math.pow(step, -0.8)),
        values.of(rate),
        values.of(decay),
        clip);
  }

  private void deviceAdamw(
      TorchValues values, boolean matrices, int step, double rate, double decay, IValue... norm) {
    int[] group = group(matrices);
    if (group.length > 0) {
      values.call(
          "device_adamw",
          values.list(ProgramWeights.select(trained, group)),
          values.list(ProgramWeights.select(gradients, group)),
          values.list(ProgramWeights.select(first, group)),
          values.list(ProgramWeights.select(second, group)),
          values.of((double) step),
          values.of(rate),
          values.of(decay),
          norm[1],
          norm[2]);
    }
  }

  private int[] group(boolean matrices) {
    return IntStream.range(0, trained.length)
        .filter(i -> matrices == trained[i].getShape().dimension() > 1)
        .toArray();
  }

  /** AdamW of the matrices, or of the gains and biases. */
  private void adamw(
      TorchValues values, boolean matrices, int step, double rate, double decay, double clip) {
    int[] group = group(matrices);
    if (group.length == 0) {
      return; // an adapter has matrices only
    }
    try (PtNDArray number = (PtNDArray) manager.create((float) step)) {
      PtNDArray[] steps = new PtNDArray[group.length];
      Arrays.fill(steps, number);
      values.call(
          "adamw",
          values.list(ProgramWeights.select(trained, group)),
          values.list(ProgramWeights.select(gradients, group)),
          values.list(ProgramWeights.select(first, group)),
          values.list(ProgramWeights.select(second, group)),
          values.list(steps),
          values.of(rate),
          values.of(decay),
          values.of(clip));
    }
  }
}
