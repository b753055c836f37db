package org.autodidact.pytorch.program;

import ai.djl.Device;
import ai.djl.Model;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.IValueUtils;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.function.UnaryOperator;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.Rope;
import org.autodidact.checkpoints.safetensors.TensorInfo;
import org.autodidact.pytorch.data.PackedMicroBatch;

/**
 * The training program in libtorch, with weights, adapters, gradients and the optimizer's state.
 * Owns all of their memory. One thread, the one that opened it.
 */
public final class TrainingProgram implements AutoCloseable {
  /** Masks of dropout a layer: of attention and MLP, then of each projection's adapter. */
  private static final int MASKS = 9;

  /** How far a mean of log-probabilities may lie off, in float32. */
  private static final double FP32_ROUNDING = 5e-4;

  /**
   * The same in bf16, of one token and of any number: measured on SmolLM2, a token's deviates by
   * 0.021 and the mean of 1048 lies 0.0008 off; other models may do somewhat worse.
   */
  private static final double BF16_ROUNDING = 0.15;

  private static final double BF16_BIAS = 0.005;

  /** The same over a base in 8 bits: 0.10 and 0.0013. */
  private static final double INT8_ROUNDING = 0.8;

  private static final double INT8_BIAS = 0.03;

  private final ModelConfig config;
  private final TrainingSettings settings;
  private final boolean bf16;
  private final PtNDManager manager;
  private final TorchRuntime torch;
  private final Model model;
  private final PtSymbolBlock block;
  private final PtNDArray cos;
  private final PtNDArray sin;
  private final List<String> names;
  private final PtNDArray[] weights;

  /** What products take: the weights themselves or their rounded matrices. */
  private final PtNDArray[] factors;

  private final LoraAdapter adapter;

  /** What is trained: the weights or the adapter's matrices. */
  private final PtNDArray[] trained;

  private PtNDArray[] gradients = {};

  /** AdamW's first moments; Adafactor's means of squares by row. */
  private PtNDArray[] first = {};

  /** AdamW's second moments; Adafactor's means of squares by column. */
  private PtNDArray[] second = {};

  /** Of a GPU's memory. */
  private PtNDManager copies;

  /**
   * Loads the folder's weights.
   *
   * @param script the folder's program
   * @param target where it computes
   * @param maxLength the longest sequence
   * @param seed draws the adapter
   */
  public TrainingProgram(
      ModelFolder folder,
      TrainingScript script,
      TrainingSettings settings,
      boolean bf16,
      TrainingDevice target,
      int maxLength,
      int threads,
      long seed) {
    this.config = folder.config();
    this.settings = settings;
    this.bf16 = bf16;
    this.names = script.weights();
    this.manager = (PtNDManager) TorchRuntime.engine().newBaseManager(target.device());
    this.torch = new TorchRuntime(threads);
    try {
      this.copies = manager.newSubManager(Device.cpu());
      this.model = Model.newInstance("decoder", target.device(), "PyTorch");
      model.load(
          new ByteArrayInputStream(
              TorchScriptArchive.of(script.text(settings.lora(), bf16, target.plain()))));
      deleteEmptyFolder();
      this.block = (PtSymbolBlock) model.getBlock();
      ModelConfig.RopeSettings rope = config.attention().get(0).rope();
      Shape angles = new Shape(maxLength, config.headSize() / 2);
      this.cos =
          (PtNDArray) manager.create(Rope.cosines(config.headSize(), rope, maxLength), angles);
      this.sin = (PtNDArray) manager.create(Rope.sines(config.headSize(), rope, maxLength), angles);
      this.weights = new PtNDArray[names.size()];
      this.factors = new PtNDArray[names.size()];
      for (int i = 0; i < weights.length; i++) {
        prepare(i, folder, folder.tensor(names.get(i)));
      }
      this.adapter =
          settings
              .lora()
              .map(lora -> LoraAdapter.draw(lora, config, names, factors, manager, seed))
              .orElse(LoraAdapter.NONE);
      this.trained = settings.lora().isPresent() ? adapter.matrices() : weights;
    } catch (Exception e) {
      close();
      throw e instanceof AutodidactException known
          ? known
          : new AutodidactException("libtorch refused the training program: " + e.getMessage(), e);
    } catch (Error e) {
      close();
      throw e;
    }
  }

  /** Loads a weight and what products take of it; a frozen matrix is not kept beside that. */
  private void prepare(int i, ModelFolder folder, TensorInfo tensor) {
    boolean matrix = tensor.shape().size() > 1;
    boolean frozen = matrix && isFrozen(i);
    if (frozen && settings.lora().orElseThrow().quantized()) {
      quantize(i, folder.floats(tensor), tensor.shape());
      return;
    }
    weights[i] = load(folder, tensor);
    factors[i] = weights[i];
    if (matrix && bf16) {
      factors[i] = lowered(weights[i]);
    }
    if (frozen && bf16) {
      weights[i].close();
      weights[i] = (PtNDArray) manager.zeros(new Shape(0), DataType.FLOAT32);
    }
  }

  /**
   * A matrix in signed bytes with a scale for each output, which stands for the weight. Not by
   * libtorch: what it had of float32 for a moment would lie between all bytes and be lost.
   */
  private void quantize(int i, float[] matrix, List<Long> shape) {
    int inputs = Math.toIntExact(shape.get(1));
    float[] scales = new float[matrix.length / inputs];
    ByteBuffer bytes = ByteBuffer.allocateDirect(matrix.length);
    for (int row = 0; row < scales.length; row++) {
      float most = Float.MIN_NORMAL;
      for (int k = row * inputs; k < (row + 1) * inputs; k++) {
        most = Math.max(most, Math.abs(matrix[k]));
      }
      scales[row] = most / Byte.MAX_VALUE;
      for (int k = row * inputs; k < (row + 1) * inputs; k++) {
        bytes.put((byte) Math.rint(matrix[k] / scales[row]));
      }
    }
    Shape of = new Shape(scales.length, inputs);
    factors[i] = manager.create(bytes.flip(), of, DataType.INT8);
    weights[i] = (PtNDArray) manager.create(scales, new Shape(scales.length, 1));
  }

  /** Whether it is a layer's matrix that stays as it is while an adapter is trained. */
  private boolean isFrozen(int i) {
    return settings.lora().isPresent() && names.get(i).startsWith("model.layers.");
  }

  /** A copy in bf16; made by the program, as DJL cannot. */
  private PtNDArray lowered(PtNDArray weight) {
    try (Values values = new Values()) {
      return values.call(block, "low", values.of(weight)).toTensor(manager);
    }
  }

  /** Reads a tensor into memory that libtorch owns; nothing of the file stays mapped. */
  private PtNDArray load(ModelFolder folder, TensorInfo tensor) {
    Shape shape = new Shape(tensor.shape().stream().mapToLong(d -> d).toArray());
    PtNDArray array =
        JniUtils.createEmptyNdArray(
            manager, shape, DataType.FLOAT32, Device.cpu(), SparseFormat.DENSE);
    ByteBuffer view = view(array);
    switch (tensor.type()) {
      case F32 -> read(tensor, view);
      case F16, BF16 -> view.asFloatBuffer().put(folder.floats(tensor));
    }
    if (manager.getDevice().isGpu()) {
      try (array) {
        return array.toDevice(manager.getDevice(), true);
      }
    }
    return array;
  }

  private static void read(TensorInfo tensor, ByteBuffer into) {
    try (FileChannel channel = FileChannel.open(tensor.file(), StandardOpenOption.READ)) {
      long at = tensor.offset();
      while (into.hasRemaining()) {
        int more = channel.read(into, at);
        if (more < 0) {
          throw new IOException("ends within '" + tensor.name() + "'");
        }
        at += more;
      }
    } catch (IOException e) {
      throw new StorageException(tensor.file() + ": cannot be read: " + e, e);
    }
  }

  /**
   * Tokens that one pass computes at most, or one example; in bf16, which keeps less of each and
   * gains by it, more.
   */
  public int passTokens() {
    return bf16 ? 2048 : 704;
  }

  /** Names of the base's weights, in the order of {@link #weights()}. */
  public List<String> names() {
    return names;
  }

  public LoraAdapter adapter() {
    return adapter;
  }

  /** Makes gradients and the optimizer's state. */
  public void prepareTraining() {
    gradients = zeros(s -> s);
    if (settings.optimizer() == TrainingSettings.Optimizer.ADAMW) {
      first = zeros(s -> s);
      second = zeros(s -> s);
    } else {
      first = zeros(s -> s.dimension() > 1 ? new Shape(s.get(0), 1) : s);
      second = zeros(s -> s.dimension() > 1 ? new Shape(1, s.get(1)) : new Shape(1));
    }
  }

  /** By several threads: for one alone the kernel takes seconds to give so much memory. */
  private PtNDArray[] zeros(UnaryOperator<Shape> shape) {
    return Arrays.stream(trained)
        .parallel()
        .map(t -> (PtNDArray) manager.zeros(shape.apply(t.getShape()), DataType.FLOAT32))
        .toArray(PtNDArray[]::new);
  }

  /** As {@link org.autodidact.api.Probe.Result#rounding}. */
  public double rounding(int tokens) {
    if (settings.lora().filter(TrainingSettings.Lora::quantized).isPresent()) {
      return INT8_ROUNDING / Math.sqrt(tokens) + INT8_BIAS;
    }
    return bf16 ? BF16_ROUNDING / Math.sqrt(tokens) + BF16_BIAS : FP32_ROUNDING;
  }

  /** Σ ln p of each sequence's scored tokens, the adapter left out. */
  public double[] reference(PackedMicroBatch pass) {
    return score(pass, new PtNDArray[0]);
  }

  /** Σ ln p of each sequence's scored tokens, without dropout. */
  public double[] score(PackedMicroBatch pass) {
    return score(pass, adapter.matrices());
  }

  private double[] score(PackedMicroBatch pass, PtNDArray[] adapters) {
    JniUtils.setGradMode(false);
    try (PtNDManager scope = (PtNDManager) manager.newSubManager();
        Values values = new Values()) {
      Inputs inputs = new Inputs(pass, scope, values);
      IValue found = forward(inputs, values, adapters, values.list(), 0, 0, false);
      return doubles(values.parts(found)[0].toTensor(scope));
    }
  }

  /**
   * One pass forward. Its {@link Forward#backward} adds up gradients until {@link #step}.
   *
   * @param seed draws dropout
   */
  public Forward forward(PackedMicroBatch pass, long seed) {
    JniUtils.setGradMode(false);
    JniUtils.setSeed(seed);
    return new Forward(pass);
  }

  private IValue forward(
      Inputs inputs,
      Values values,
      PtNDArray[] adapters,
      IValue masks,
      double dropout,
      double adapterDropout,
      boolean keep) {
    return values.call(
        block,
        "forward",
        inputs.ids,
        inputs.places,
        inputs.at,
        inputs.targets,
        inputs.owners,
        inputs.cos,
        inputs.sin,
        inputs.prompts,
        inputs.answers,
        values.list(weights),
        values.list(factors),
        values.list(adapters),
        masks,
        values.of(dropout),
        values.of(adapterDropout),
        values.of(keep),
        values.of(settings.activationCheckpointing()));
  }

  /** A pass as the program takes it. */
  private final class Inputs {
    private final IValue ids;
    private final IValue places;
    private final IValue at;
    private final IValue targets;
    private final IValue owners;
    private final IValue cos;
    private final IValue sin;
    private final IValue prompts;
    private final IValue answers;

    Inputs(PackedMicroBatch pass, PtNDManager scope, Values values) {
      ids = longs(pass.ids(), scope, values);
      places = longs(pass.places(), scope, values);
      at = longs(pass.at(), scope, values);
      targets = longs(pass.targets(), scope, values);
      owners = longs(pass.owners(), scope, values);
      cos = values.of(TrainingProgram.this.cos);
      sin = values.of(TrainingProgram.this.sin);
      prompts = values.keep(IValue.listFrom(pass.prompts()));
      answers = values.keep(IValue.listFrom(pass.answers()));
    }

    private static IValue longs(long[] numbers, PtNDManager scope, Values values) {
      return values.of((PtNDArray) scope.create(numbers, new Shape(numbers.length)));
    }
  }

  /** A pass that was run forward, with what backward needs of it. Owns that memory. */
  public final class Forward implements AutoCloseable {
    private final PackedMicroBatch pass;
    private final PtNDManager scope = (PtNDManager) manager.newSubManager();
    private final Values values = new Values();
    private final double dropout = settings.dropout();
    private final double adapterDropout =
        settings.lora().map(TrainingSettings.Lora::dropout).orElse(0.0);
    private final Inputs inputs;
    private final IValue masks;
    private final IValue kept;
    private final double[] sums;

    private Forward(PackedMicroBatch pass) {
      this.pass = pass;
      this.inputs = new Inputs(pass, scope, values);
      PtNDArray[] none = {};
      if (dropout > 0 || adapterDropout > 0) {
        none = new PtNDArray[MASKS * config.layers()];
        Arrays.fill(none, scope.create(new Shape(0), DataType.FLOAT32));
      }
      this.masks = values.list(none);
      IValue[] parts =
          values.parts(
              TrainingProgram.this.forward(
                  inputs, values, adapter.matrices(), masks, dropout, adapterDropout, true));
      this.sums = doubles(parts[0].toTensor(scope));
      this.kept = parts[1];
    }

    /** Σ ln p of each sequence's scored tokens. */
    public double[] sums() {
      return sums;
    }

    /**
     * Adds up gradients. Once.
     *
     * @param slopes the loss's derivative by each sum
     */
    public void backward(double[] slopes) {
      float[] coefficients = new float[pass.owners().length];
      for (int i = 0; i < coefficients.length; i++) {
        coefficients[i] = (float) slopes[(int) pass.owners()[i]];
      }
      values.call(
          block,
          "backward",
          values.of((PtNDArray) scope.create(coefficients)),
          inputs.ids,
          inputs.places,
          inputs.at,
          inputs.targets,
          inputs.cos,
          inputs.sin,
          inputs.prompts,
          inputs.answers,
          values.list(weights),
          values.list(factors),
          values.list(adapter.matrices()),
          values.list(gradients),
          masks,
          values.of(dropout),
          values.of(adapterDropout),
          values.of(settings.activationCheckpointing()),
          kept);
    }

    @Override
    public void close() {
      values.close();
      scope.close();
    }
  }

  private static double[] doubles(NDArray array) {
    float[] floats = array.toFloatArray();
    return IntStream.range(0, floats.length).mapToDouble(i -> floats[i]).toArray();
  }

  /**
   * The optimizer's step, in place; matrices decay, gains and biases do not. Gradients are cleared.
   * Where their norm is not finite nothing is changed.
   *
   * @return the gradient's 2-norm before clipping
   */
  public double step(int step, double rate, double decay, double limit) {
    JniUtils.setGradMode(false);
    try (Values values = new Values();
        PtNDArray now = (PtNDArray) manager.create((float) step)) {
      double norm = values.call(block, "norm", values.list(gradients)).toDouble();
      if (Double.isFinite(norm)) {
        // As torch.nn.utils.clip_grad_norm_ has it.
        double factor = limit > 0 && norm > limit ? limit / (norm + 1e-6) : 1;
        if (settings.optimizer() == TrainingSettings.Optimizer.ADAMW) {
          adamw(values, true, now, rate, decay, factor);
          adamw(values, false, now, rate, 0, factor);
        } else {
          values.call(
              block,
              "adafactor",
              values.list(trained),
              values.list(gradients),
              values.list(first),
              values.list(second),
              values.of(Math.pow(step, -0.8)),
              values.of(rate),
              values.of(decay),
              values.of(factor));
        }
        round();
      }
      return norm;
    }
  }

  /** Whether all that is trained are numbers. */
  public boolean isFinite() {
    JniUtils.setGradMode(false);
    try (Values values = new Values()) {
      return Double.isFinite(values.call(block, "norm", values.list(trained)).toDouble());
    }
  }

  /** AdamW of the matrices, or of the gains and biases. */
  private void adamw(
      Values values, boolean matrices, PtNDArray step, double rate, double decay, double factor) {
    int[] group =
        IntStream.range(0, trained.length)
            .filter(i -> matrices == trained[i].getShape().dimension() > 1)
            .toArray();
    if (group.length == 0) {
      return; // an adapter has matrices only
    }
    PtNDArray[] steps = new PtNDArray[group.length];
    Arrays.fill(steps, step);
    values.call(
        block,
        "adamw",
        values.list(select(trained, group)),
        values.list(select(gradients, group)),
        values.list(select(first, group)),
        values.list(select(second, group)),
        values.list(steps),
        values.of(rate),
        values.of(decay),
        values.of(factor));
  }

  /** Rounds the matrices anew for the products, where these take bf16 and the matrices changed. */
  public void round() {
    if (bf16 && trained == weights) {
      try (Values values = new Values()) {
        int[] matrices =
            IntStream.range(0, weights.length).filter(i -> factors[i] != weights[i]).toArray();
        values.call(
            block,
            "round",
            values.list(select(weights, matrices)),
            values.list(select(factors, matrices)));
      }
    }
  }

  private static PtNDArray[] select(PtNDArray[] from, int[] group) {
    return IntStream.of(group).mapToObj(i -> from[i]).toArray(PtNDArray[]::new);
  }

  /**
   * Adds the adapter to the weights of the folder that the base came from; of use once, after the
   * last step.
   */
  public void merge(ModelFolder folder) {
    for (int i = 0; i < weights.length; i++) {
      if (isFrozen(i) && factors[i] != weights[i]) {
        weights[i].close();
        weights[i] = load(folder, folder.tensor(names.get(i)));
        factors[i].close();
        factors[i] = weights[i];
      }
    }
    try (Values values = new Values()) {
      for (int i = 0; i < adapter.places().length; i++) {
        values.call(
            block,
            "merge",
            values.of(weights[adapter.places()[i]]),
            values.of(adapter.matrices()[2 * i]),
            values.of(adapter.matrices()[2 * i + 1]));
      }
    }
  }

  /** The base's weights, by place; valid until {@link #close()}. On CPUs the memory itself. */
  public List<ByteBuffer> weights() {
    return views(weights);
  }

  /** What is trained. On CPUs the memory itself. */
  public List<ByteBuffer> trained() {
    return views(trained);
  }

  /** What is trained and the optimizer's state: what a training resumes from. */
  public List<ByteBuffer> state() {
    return views(stateArrays());
  }

  /** The size of {@link #state()}. */
  public long stateBytes() {
    return Arrays.stream(stateArrays()).mapToLong(a -> a.size() * Float.BYTES).sum();
  }

  /** Has {@link #trained()} read by {@code reader}. */
  public void readTrained(Consumer<List<ByteBuffer>> reader) {
    read(trained, reader);
  }

  /** Has {@link #state()} read by {@code reader}. */
  public void readState(Consumer<List<ByteBuffer>> reader) {
    read(stateArrays(), reader);
  }

  private PtNDArray[] stateArrays() {
    return Stream.of(trained, first, second).flatMap(Arrays::stream).toArray(PtNDArray[]::new);
  }

  private void read(PtNDArray[] arrays, Consumer<List<ByteBuffer>> reader) {
    PtNDArray[] local = local(arrays);
    reader.accept(Arrays.stream(local).map(TrainingProgram::view).toList());
    for (int i = 0; i < arrays.length; i++) {
      if (local[i] != arrays[i]) {
        local[i].copyTo(arrays[i]);
      }
    }
  }

  private List<ByteBuffer> views(PtNDArray[] arrays) {
    return Arrays.stream(local(arrays)).map(TrainingProgram::view).toList();
  }

  /** The arrays themselves on CPUs, copies of a GPU's, which live until the next call. */
  private PtNDArray[] local(PtNDArray[] arrays) {
    if (!manager.getDevice().isGpu()) {
      return arrays;
    }
    copies.close();
    copies = manager.newSubManager(Device.cpu());
    return Arrays.stream(arrays)
        .map(
            array -> {
              PtNDArray copy = array.toDevice(Device.cpu(), true);
              copy.attach(copies);
              return copy;
            })
        .toArray(PtNDArray[]::new);
  }

  private static ByteBuffer view(PtNDArray array) {
    return JniUtils.getByteBuffer(array, true).order(ByteOrder.nativeOrder());
  }

  @Override
  public void close() {
    try (torch;
        manager) {
      if (model != null) {
        deleteEmptyFolder();
        model.close();
      }
    }
  }

  /** DJL makes it for a model that comes from memory, and keeps it while the JVM lives. */
  private void deleteEmptyFolder() {
    Path empty = model.getModelPath();
    if (empty != null && empty.startsWith(System.getProperty("java.io.tmpdir"))) {
      empty.toFile().delete();
    }
  }

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

    IValue of(long number) {
      return keep(IValue.from(number));
    }

    IValue of(boolean flag) {
      return keep(IValue.from(flag));
    }

    IValue list(PtNDArray... arrays) {
      return keep(IValue.listFrom(arrays));
    }

    IValue[] parts(IValue tuple) {
      IValue[] parts = tuple.toIValueTuple();
      for (IValue part : parts) {
        keep(part);
      }
      return parts;
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
