package org.autodidact.pytorch.program;

import ai.djl.Model;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.Rope;
import org.autodidact.pytorch.data.PackedMicroBatch;

/**
 * The training script in libtorch with weights, adapter, gradients and the optimizer's state. Owns
 * all of their memory. One thread, the one that opened it.
 */
public final class TrainingProgram implements AutoCloseable {
  private static final PtNDArray[] NONE = {};

  /** How far the mean of log-probabilities may be off by rounding, in float32. */
  private static final double FP32_ROUNDING = 5e-4;

  /**
   * How far one token's log-probability may be off in bf16, and the mean of any number: measured on
   * SmolLM2, a token's deviates by 0.021 and the mean of 1048 by 0.0008; other models may do
   * somewhat worse.
   */
  private static final double BF16_ROUNDING = 0.15;

  private static final double BF16_BIAS = 0.005;

  /** As in bf16, over a base in int8; measured 0.10 and 0.0013. */
  private static final double INT8_ROUNDING = 0.8;

  private static final double INT8_BIAS = 0.03;

  private final ModelConfig config;
  private final TrainingSettings settings;
  private final boolean bf16;
  private final PtNDManager manager;
  private final TorchRuntime runtime;
  private final Model model;
  private final PtSymbolBlock script;
  private final HostCopies host;

  /** A table [positions, head size / 2] for each RoPE. */
  private final PtNDArray[] cosines;

  private final PtNDArray[] sines;
  private final ProgramWeights weights;
  private final LoraAdapter adapter;

  /** What is trained: the weights or the adapter's matrices. */
  private final PtNDArray[] trained;

  private Optimizer optimizer;

  /**
   * Loads the folder's weights.
   *
   * @param source the folder's script
   * @param device where it computes
   * @param maxLength tokens of the longest sequence
   * @param seed draws the adapter
   */
  public TrainingProgram(
      ModelFolder folder,
      TrainingScript source,
      TrainingSettings settings,
      boolean bf16,
      TrainingDevice device,
      int maxLength,
      int threads,
      long seed) {
    this.config = folder.config();
    this.settings = settings;
    this.bf16 = bf16;
    this.manager = (PtNDManager) TorchRuntime.engine().newBaseManager(device.device());
    this.runtime = new TorchRuntime(threads);
    try {
      this.host = new HostCopies(manager);
      this.model = Model.newInstance("decoder", device.device(), "PyTorch");
      model.load(
          new ByteArrayInputStream(
              TorchScriptArchive.of(source.text(settings.lora(), bf16, device.plain()))));
      deleteEmptyFolder();
      this.script = (PtSymbolBlock) model.getBlock();
      this.cosines = tables(source.ropes(), maxLength, Rope::cosines);
      this.sines = tables(source.ropes(), maxLength, Rope::sines);
      this.weights = new ProgramWeights(manager, script, folder, source.weights(), settings, bf16);
      this.adapter =
          settings
              .lora()
              .map(lora -> LoraAdapter.initialize(lora, config, weights, manager, seed))
              .orElse(LoraAdapter.NONE);
      this.trained = settings.lora().isPresent() ? adapter.matrices() : weights.stored();
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

  private interface Table {
    float[] of(int headSize, ModelConfig.RopeSettings rope, int positions);
  }

  private PtNDArray[] tables(List<ModelConfig.RopeSettings> ropes, int positions, Table table) {
    Shape shape = new Shape(positions, config.headSize() / 2);
    return ropes.stream()
        .map(r -> (PtNDArray) manager.create(table.of(config.headSize(), r, positions), shape))
        .toArray(PtNDArray[]::new);
  }

  /**
   * Tokens that one micro-batch has at most, unless it is one example; in bf16, which keeps less of
   * each and gains by it, more.
   */
  public int microBatchTokens() {
    return bf16 ? 2048 : 704;
  }

  /** Names of the base's weights, in the order of {@link #weights()}. */
  public List<String> names() {
    return weights.names();
  }

  public LoraAdapter adapter() {
    return adapter;
  }

  /** Makes gradients and the optimizer's state. */
  public void prepareTraining() {
    optimizer = new Optimizer(manager, script, settings.optimizer(), trained);
  }

  /** As {@link org.autodidact.api.Probe.Result#rounding}. */
  public double rounding(int tokens) {
    if (settings.lora().filter(TrainingSettings.Lora::quantized).isPresent()) {
      return INT8_ROUNDING / Math.sqrt(tokens) + INT8_BIAS;
    }
    return bf16 ? BF16_ROUNDING / Math.sqrt(tokens) + BF16_BIAS : FP32_ROUNDING;
  }

  /** Σ ln p of each sequence's scored tokens without the adapter. */
  public double[] reference(PackedMicroBatch batch) {
    return score(batch, NONE);
  }

  /** Σ ln p of each sequence's scored tokens, without dropout. */
  public double[] score(PackedMicroBatch batch) {
    return score(batch, adapter.matrices());
  }

  private double[] score(PackedMicroBatch batch, PtNDArray[] adapters) {
    try (ForwardPass pass = forward(batch, adapters, false)) {
      return pass.logProbabilities();
    }
  }

  /**
   * Runs a micro-batch forward. Its {@link ForwardPass#backward} accumulates gradients until {@link
   * #step}.
   *
   * @param seed draws dropout
   */
  public ForwardPass forward(PackedMicroBatch batch, long seed) {
    JniUtils.setSeed(seed);
    return forward(batch, adapter.matrices(), true);
  }

  /**
   * @param training whether with dropout, and with the activations that backward needs
   */
  private ForwardPass forward(PackedMicroBatch batch, PtNDArray[] adapters, boolean training) {
    JniUtils.setGradMode(false);
    double dropout = training ? settings.dropout() : 0;
    double adapterDropout =
        training ? settings.lora().map(TrainingSettings.Lora::dropout).orElse(0.0) : 0;
    PtNDManager scope = (PtNDManager) manager.newSubManager();
    TorchValues values = new TorchValues(script);
    try {
      PtNDArray[] masks =
          new PtNDArray[dropout + adapterDropout > 0 ? TrainingScript.MASKS * config.layers() : 0];
      Arrays.fill(masks, scope.create(new Shape(0), DataType.FLOAT32));
      IValue result =
          values.call(
              "forward",
              longs(batch.ids(), scope, values),
              longs(batch.positions(), scope, values),
              longs(batch.logitIndices(), scope, values),
              longs(batch.targets(), scope, values),
              longs(batch.segmentIds(), scope, values),
              values.list(batch.promptLengths()),
              values.list(batch.answerLengths()),
              values.list(cosines),
              values.list(sines),
              values.list(weights.stored()),
              values.list(weights.compute()),
              values.list(adapters),
              values.list(training ? optimizer.gradients() : NONE),
              values.list(masks),
              values.of(dropout),
              values.of(adapterDropout),
              values.of(training),
              values.of(settings.activationCheckpointing()));
      IValue[] sumsAndState = values.parts(result);
      float[] sums = sumsAndState[0].toTensor(scope).toFloatArray();
      return new ForwardPass(batch, scope, values, sumsAndState[1], sums);
    } catch (RuntimeException | Error e) {
      values.close();
      scope.close();
      throw e;
    }
  }

  private static IValue longs(long[] numbers, PtNDManager scope, TorchValues values) {
    return values.of((PtNDArray) scope.create(numbers, new Shape(numbers.length)));
  }

  /**
   * The optimizer's step, in place; matrices decay, gains and biases do not. Gradients are cleared.
   * Where their norm is not finite nothing is changed.
   *
   * @return the gradient's 2-norm before clipping
   */
  public double step(int step, double rate, double decay, double limit) {
    JniUtils.setGradMode(false);
    double norm = optimizer.step(step, rate, decay, limit);
    if (Double.isFinite(norm)) {
      weights.refresh();
    }
    return norm;
  }

  /** Whether all that is trained are numbers. */
  public boolean isFinite() {
    JniUtils.setGradMode(false);
    try (TorchValues values = new TorchValues(script)) {
      return Double.isFinite(values.call("norm", values.list(trained)).toDouble());
    }
  }

  /**
   * Adds the adapter to the weights of the folder that the base came from; of use once, after the
   * last step.
   */
  public void merge(ModelFolder folder) {
    weights.merge(folder, adapter);
  }

  /** The base's weights in float32. Valid until {@link #close()}, a GPU's until the next call. */
  public List<ByteBuffer> weights() {
    return host.views(weights.stored());
  }

  /** What is trained. Valid as {@link #weights()}. */
  public List<ByteBuffer> trained() {
    return host.views(trained);
  }

  /** What is trained and the optimizer's state: what a training resumes from. */
  public List<ByteBuffer> state() {
    return host.views(optimizer.state());
  }

  /** The size of {@link #state()}. */
  public long stateBytes() {
    return Arrays.stream(optimizer.state()).mapToLong(a -> a.size() * Float.BYTES).sum();
  }

  /** Has {@code source} fill {@link #trained()}. */
  public void readTrained(Consumer<List<ByteBuffer>> source) {
    host.fill(trained, source);
    weights.refresh();
  }

  /** Has {@code source} fill {@link #state()}. */
  public void readState(Consumer<List<ByteBuffer>> source) {
    host.fill(optimizer.state(), source);
    weights.refresh();
  }

  @Override
  public void close() {
    try (runtime;
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
}
