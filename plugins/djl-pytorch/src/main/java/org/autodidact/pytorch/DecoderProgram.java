package org.autodidact.pytorch;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.index.NDIndex;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.nio.FloatBuffer;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.stream.IntStream;
import org.autodidact.api.AutodidactException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.Rope;
import org.autodidact.checkpoints.TensorInfo;

/**
 * The training program in libtorch, with weights, gradients and AdamW's moments. Owns all of their
 * memory. One thread, the one that opened it.
 */
final class DecoderProgram implements AutoCloseable {
  private final ModelConfig config;
  private final PtNDManager manager;
  private final Model model;
  private final PtSymbolBlock block;
  private final PtNDArray cos;
  private final PtNDArray sin;
  private final List<String> names;
  private final PtNDArray[] weights;
  private final PtNDArray[] gradients;
  private final PtNDArray[] firstMoments;
  private final PtNDArray[] secondMoments;
  private final PtNDArray steps;

  /** Loads the folder's weights; rotary angles for sequences of {@code maxLength}. */
  DecoderProgram(ModelFolder folder, Objective objective, int maxLength, int threads) {
    this.config = folder.config();
    DecoderScript script = new DecoderScript(folder);
    this.names = script.weights();
    Engine engine = Engine.getEngine("PyTorch");
    // The optimizing executor rewrites a program after its first passes, which changes the last
    // bits
    // of results; a resumed training has to repeat them.
    JniUtils.setGraphExecutorOptimize(false);
    JniUtils.setNumThreads(threads);
    this.manager = (PtNDManager) engine.newBaseManager(Device.cpu());
    this.model = Model.newInstance("decoder", Device.cpu(), "PyTorch");
    try {
      model.load(new ByteArrayInputStream(ScriptArchive.of(script.text(objective))));
      this.block = (PtSymbolBlock) model.getBlock();
      ModelConfig.RopeSettings rope = config.attention().get(0).rope();
      this.cos = rope(Rope.cosines(config.headSize(), rope, maxLength), maxLength);
      this.sin = rope(Rope.sines(config.headSize(), rope, maxLength), maxLength);
      this.weights = new PtNDArray[names.size()];
      this.gradients = new PtNDArray[names.size()];
      this.firstMoments = new PtNDArray[names.size()];
      this.secondMoments = new PtNDArray[names.size()];
      for (int i = 0; i < weights.length; i++) {
        TensorInfo tensor = folder.tensor(names.get(i));
        weights[i] = load(folder, tensor);
        weights[i].setName("w[]");
      }
      this.steps = (PtNDArray) manager.zeros(new Shape(), DataType.FLOAT32);
    } catch (Exception e) {
      close();
      throw e instanceof AutodidactException known
          ? known
          : new AutodidactException("libtorch refused the training program: " + e.getMessage(), e);
    }
  }

  private PtNDArray rope(float[] values, int positions) {
    return (PtNDArray) manager.create(values, new Shape(1, 1, positions, config.headSize() / 2));
  }

  private PtNDArray load(ModelFolder folder, TensorInfo tensor) {
    Shape shape = new Shape(tensor.shape().stream().mapToLong(d -> d).toArray());
    switch (tensor.type()) {
      case F32 -> {
        // The mapped file is read in place and copied once, into memory that libtorch owns.
        try (PtNDArray mapped = manager.create(folder.bytes(tensor), shape, DataType.FLOAT32)) {
          return (PtNDArray) mapped.duplicate();
        }
      }
      case F16, BF16 -> {
        return manager.create(FloatBuffer.wrap(folder.floats(tensor)), shape, DataType.FLOAT32);
      }
    }
    throw new AssertionError(tensor.type());
  }

  /** Names of the weights, in the order of {@link #weights()}. */
  List<String> names() {
    return names;
  }

  /** Asks libtorch for gradients of the weights from now on, and makes AdamW's moments. */
  void prepareTraining() {
    for (int i = 0; i < weights.length; i++) {
      weights[i].setRequiresGradient(true);
      firstMoments[i] = (PtNDArray) manager.zeros(weights[i].getShape(), DataType.FLOAT32);
      secondMoments[i] = (PtNDArray) manager.zeros(weights[i].getShape(), DataType.FLOAT32);
    }
  }

  /** Σ ln p of each sequence's scored tokens, without gradient. */
  double[] score(Pass pass) {
    JniUtils.setGradMode(false);
    try (PtNDManager scope = (PtNDManager) manager.newSubManager();
        Values values = new Values()) {
      PtNDArray sums = score(pass, scope, values);
      return doubles(sums);
    }
  }

  /**
   * One pass forward and backward; gradients add up until {@link #step}.
   *
   * @param weight what the loss of an example, or of a token for SFT, is multiplied with
   * @return Σ ln p of each sequence, and the pass's share of the loss
   */
  Outcome pass(Pass pass, double[] reference, double weight, double dropout, int seed) {
    JniUtils.setSeed(seed);
    JniUtils.setGradMode(true);
    try (PtNDManager scope = (PtNDManager) manager.newSubManager()) {
      NDList inputs = new NDList(inputs(pass, scope));
      inputs.add(scope.create(floats(reference)));
      inputs.add(scope.create(floats(pass.lengths())));
      inputs.add(scope.create(new float[] {(float) dropout, (float) weight}));
      inputs.addAll(List.of(weights));
      // Only this way into the program records what a gradient needs.
      NDList outputs = IValueUtils.forward(block, inputs, true);
      outputs.attach(scope);
      PtNDArray loss = (PtNDArray) outputs.get(0);
      JniUtils.backward(loss, (PtNDArray) scope.ones(loss.getShape()), false, false);
      return new Outcome(doubles(outputs.get(1)), loss.getFloat());
    } finally {
      JniUtils.setGradMode(false);
    }
  }

  private PtNDArray loss(
      PtNDArray sums,
      double[] reference,
      double[] lengths,
      double weight,
      PtNDManager scope,
      Values values) {
    return values
        .call(
            block,
            "loss",
            values.of(sums),
            values.of((PtNDArray) scope.create(floats(reference))),
            values.of((PtNDArray) scope.create(floats(lengths))),
            values.of(weight))
        .toTensor(scope);
  }

  /** The loss of a pass, without gradient. */
  double loss(double[] sums, double[] reference, double[] lengths, double weight) {
    try (PtNDManager scope = (PtNDManager) manager.newSubManager();
        Values values = new Values()) {
      return loss((PtNDArray) scope.create(floats(sums)), reference, lengths, weight, scope, values)
          .getFloat();
    }
  }

  private PtNDArray score(Pass pass, PtNDManager scope, Values values) {
    List<IValue> arguments = new ArrayList<>();
    for (PtNDArray input : inputs(pass, scope)) {
      arguments.add(values.of(input));
    }
    arguments.add(values.list(weights));
    arguments.add(values.of(0.0));
    return values.call(block, "score", arguments.toArray(IValue[]::new)).toTensor(scope);
  }

  /** A pass as the program takes it: ids, positions, targets, owners, cosines, sines. */
  private PtNDArray[] inputs(Pass pass, PtNDManager scope) {
    NDIndex places = new NDIndex(":, :, :" + pass.width());
    return new PtNDArray[] {
      (PtNDArray) scope.create(pass.ids(), new Shape(pass.rows(), pass.width())),
      (PtNDArray) scope.create(pass.positions()),
      (PtNDArray) scope.create(pass.targets()),
      (PtNDArray) scope.create(pass.owners()),
      (PtNDArray) cos.get(scope, places),
      (PtNDArray) sin.get(scope, places)
    };
  }

  private static float[] floats(double[] doubles) {
    float[] floats = new float[doubles.length];
    for (int i = 0; i < floats.length; i++) {
      floats[i] = (float) doubles[i];
    }
    return floats;
  }

  private static double[] doubles(NDArray array) {
    float[] floats = array.toFloatArray();
    double[] doubles = new double[floats.length];
    for (int i = 0; i < floats.length; i++) {
      doubles[i] = floats[i];
    }
    return doubles;
  }

  /**
   * AdamW (Loshchilov and Hutter, 2019) in place, betas 0.9 and 0.999, epsilon 1e-8; matrices
   * decay, gains and biases do not. Gradients are cleared. Where their norm is not finite nothing
   * is changed.
   *
   * @return the gradient's 2-norm before clipping
   */
  double step(int step, double rate, double decay, double limit) {
    for (int i = 0; i < weights.length; i++) {
      if (gradients[i] == null) {
        gradients[i] = weights[i].getGradient();
        gradients[i].attach(manager);
      }
    }
    try (Values values = new Values();
        PtNDArray now = (PtNDArray) manager.create((float) step)) {
      now.copyTo(steps);
      double norm = values.call(block, "norm", values.list(gradients)).toDouble();
      if (Double.isFinite(norm)) {
        // As torch.nn.utils.clip_grad_norm_ has it.
        double factor = limit > 0 && norm > limit ? limit / (norm + 1e-6) : 1;
        update(values, true, rate, decay, factor);
        update(values, false, rate, 0, factor);
      }
      return norm;
    }
  }

  /** AdamW of the matrices, or of the gains and biases. */
  private void update(Values values, boolean matrices, double rate, double decay, double factor) {
    int[] group =
        IntStream.range(0, weights.length)
            .filter(i -> matrices == weights[i].getShape().dimension() > 1)
            .toArray();
    PtNDArray[] now = new PtNDArray[group.length];
    Arrays.fill(now, steps);
    values.call(
        block,
        "adamw",
        values.list(select(weights, group)),
        values.list(select(gradients, group)),
        values.list(select(firstMoments, group)),
        values.list(select(secondMoments, group)),
        values.list(now),
        values.of(rate),
        values.of(decay),
        values.of(factor));
  }

  private static PtNDArray[] select(PtNDArray[] from, int[] group) {
    return IntStream.of(group).mapToObj(i -> from[i]).toArray(PtNDArray[]::new);
  }

  /** Live views of the weights' memory, by place; valid until {@link #close()}. */
  List<ByteBuffer> weights() {
    return views(weights);
  }

  /** Live views of weights and both moments: what a training resumes from. */
  List<ByteBuffer> state() {
    List<ByteBuffer> all = new ArrayList<>(views(weights));
    all.addAll(views(firstMoments));
    all.addAll(views(secondMoments));
    return all;
  }

  private static List<ByteBuffer> views(PtNDArray[] arrays) {
    List<ByteBuffer> views = new ArrayList<>();
    for (PtNDArray array : arrays) {
      views.add(JniUtils.getByteBuffer(array, true).order(java.nio.ByteOrder.nativeOrder()));
    }
    return views;
  }

  @Override
  public void close() {
    if (model != null) {
      model.close();
    }
    manager.close();
  }

  /**
   * What a pass gives.
   *
   * @param sums Σ ln p of each sequence
   * @param loss its share of the batch's loss
   */
  record Outcome(double[] sums, double loss) {}

  /** Values handed to libtorch, closed together. */
  private static final class Values implements AutoCloseable {
    private final List<IValue> open = new ArrayList<>();

    IValue call(PtSymbolBlock block, String method, IValue... arguments) {
      return keep(IValueUtils.runMethod(block, method, arguments));
    }

    IValue of(PtNDArray array) {
      return keep(IValue.from(array));
    }

    IValue of(double number) {
      return keep(IValue.from(number));
    }

    IValue list(PtNDArray... arrays) {
      return keep(IValue.listFrom(arrays));
    }

    private IValue keep(IValue value) {
      open.add(value);
      return value;
    }

    @Override
    public void close() {
      open.forEach(IValue::close);
    }
  }
}
