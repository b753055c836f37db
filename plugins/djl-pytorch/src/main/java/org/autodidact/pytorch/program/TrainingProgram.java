package org.autodidact.pytorch.program;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.EngineException;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.IValue;
import ai.djl.pytorch.jni.JniUtils;
import java.io.ByteArrayInputStream;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.Rope;
import org.autodidact.pytorch.data.AttentionIndex;
import org.autodidact.pytorch.data.PackedMicroBatch;
import org.autodidact.pytorch.loss.LossTerms;

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

  /** How far fused attention may be from plain operations, by the largest number of each result. */
  private static final double FUSED_ERROR = 5e-3;

  private static final double FUSED_BF16_ERROR = 3e-2;
  private static final int[] NO_WINDOW = {Integer.MAX_VALUE};

  /** Bytes that a micro-batch's activations may take on a GPU. */
  private static final long DEVICE_ACTIVATIONS = 4L << 30;

  private static final int MOST_DEVICE_TOKENS = 16_384;

  /** As in bf16, over a base in int8; measured 0.10 and 0.0013. */
  private static final double INT8_ROUNDING = 0.8;

  private static final double INT8_BIAS = 0.03;

  private final ModelConfig config;
  private final TrainingSettings settings;
  private final boolean bf16;

  /** Whether the host only queues work: the script's program for GPUs. */
  private final boolean deferred;

  private final PtNDManager manager;
  private final TorchRuntime runtime;
  private Model model;
  private PtSymbolBlock script;
  private final HostCopies host;

  /** A table [positions, head size / 2] for each RoPE. */
  private final PtNDArray[] cosines;

  private final PtNDArray[] sines;
  private final ProgramWeights weights;
  private final LoraAdapter adapter;

  /** What is trained: the weights or the adapter's matrices. */
  private final PtNDArray[] trained;

  private Optimizer optimizer;

  /** Σ ln p on the device of what was run backward since the last step. */
  private final List<PtNDArray> unread = new ArrayList<>();

  private int reads;

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
    this.deferred = device.kernels() != TrainingDevice.Kernels.CPU;
    this.manager = (PtNDManager) TorchRuntime.engine().newBaseManager(device.device());
    this.runtime = new TorchRuntime(threads);
    try {
      this.host = new HostCopies(manager);
      load(source, device.kernels());
      if (device.kernels() == TrainingDevice.Kernels.CUDA) {
        checkFusedAttention(source);
      }
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

  private void load(TrainingScript source, TrainingDevice.Kernels kernels)
      throws IOException, MalformedModelException {
    model = Model.newInstance("decoder", manager.getDevice(), "PyTorch");
    model.load(
        new ByteArrayInputStream(
            TorchScriptArchive.of(source.text(settings.lora(), bf16, kernels))));
    deleteEmptyFolder();
    script = (PtSymbolBlock) model.getBlock();
  }

  /**
   * Compares CUDA's fused attention with plain operations on this very device, on two prompts with
   * two answers each; where it is not there (an old GPU, a head size that it has not) or differs,
   * plain attention is taken.
   */
  private void checkFusedAttention(TrainingScript source)
      throws IOException, MalformedModelException {
    String failure = "";
    boolean hasWindows = config.attention().stream().anyMatch(a -> a.window().isPresent());
    try {
      for (int window : hasWindows ? new int[] {Integer.MAX_VALUE, 50} : NO_WINDOW) {
        float[] errors = attentionErrors(window);
        for (float error : errors) {
          if (!(error <= (bf16 ? FUSED_BF16_ERROR : FUSED_ERROR))) {
            failure = "its results are wrong by " + Arrays.toString(errors);
          }
        }
      }
    } catch (EngineException e) {
      failure = "libtorch: " + reason(e);
    }
    if (!failure.isEmpty()) {
      System.getLogger(TrainingProgram.class.getName())
          .log(
              System.Logger.Level.WARNING,
              "the GPU's fused attention is of no use here ("
                  + failure
                  + "); training takes plain attention, which is slower and needs more memory");
      model.close();
      load(source, TrainingDevice.Kernels.STANDARD);
    }
  }

  /** What went wrong in the script: above it libtorch tells where. */
  private static String reason(EngineException e) {
    List<String> lines = String.valueOf(e.getMessage()).lines().toList();
    return lines.stream()
        .filter(line -> line.startsWith("RuntimeError: "))
        .findFirst()
        .orElse(lines.isEmpty() ? "" : lines.get(0));
  }

  /** Of what attention gives and of its three gradients, by the largest number of each. */
  float[] attentionErrors(int window) {
    AttentionIndex index = AttentionIndex.of(new long[] {5, 130}, new long[] {3, 7, 129, 40});
    try (PtNDManager scope = (PtNDManager) manager.newSubManager();
        TorchValues values = new TorchValues(script)) {
      return values
          .call(
              "attention_errors",
              hostNumbers(scope, values, parts(index)),
              values.list(lengths(parts(index))),
              values.list(index.queryLengths()),
              values.list(index.keyLengths()),
              values.of((long) window),
              values.of((PtNDArray) scope.zeros(new Shape(1))))
          .toTensor(scope)
          .toFloatArray();
    }
  }

  /** A loss's gradients with respect to {@code sums}, as the device computes them. */
  float[] lossGradients(float[] sums, LossTerms terms) {
    try (PtNDManager scope = (PtNDManager) manager.newSubManager();
        TorchValues values = new TorchValues(script)) {
      Shape rows = new Shape(4, sums.length);
      return values
          .call(
              "loss_gradients",
              values.of((PtNDArray) scope.create(sums)),
              values.of((PtNDArray) scope.create(terms.rows(), rows)),
              values.of(terms.kind()),
              values.of(terms.weight()),
              values.of(terms.beta()),
              values.of(terms.gamma()))
          .toTensor(scope)
          .toFloatArray();
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
    int onCpus = bf16 ? 2048 : 704;
    return deferred
        ? (int)
            Math.max(onCpus, Math.min(MOST_DEVICE_TOKENS, DEVICE_ACTIVATIONS / activationBytes()))
        : onCpus;
  }

  /**
   * Bytes that a token's activations take, nearly: residuals in float32, the rest as products do.
   */
  private long activationBytes() {
    long residuals = 2L * Float.BYTES * config.hiddenSize();
    long heads = 2L * (config.heads() + config.keyValueHeads()) * config.headSize();
    long mlp = 2L * config.intermediateSize();
    return config.layers() * (residuals + (bf16 ? 2 : Float.BYTES) * (heads + mlp));
  }

  /**
   * Whether the host only queues a step's work and reads its numbers once, at its end: then {@link
   * ForwardPass#backward(LossTerms)} is the one to call.
   */
  public boolean isDeferred() {
    return deferred;
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

  /**
   * {@link #reference(PackedMicroBatch)} of several, one after the other; a GPU's are read at the
   * end, all at once.
   *
   * @param beforeEach is called before each
   */
  public List<double[]> references(List<PackedMicroBatch> batches, Runnable beforeEach) {
    List<double[]> results = new ArrayList<>();
    List<PtNDArray> queued = new ArrayList<>();
    try {
      for (PackedMicroBatch batch : batches) {
        beforeEach.run();
        try (ForwardPass pass = forward(batch, NONE, false)) {
          if (deferred) {
            queued.add(pass.sums(manager));
          } else {
            results.add(pass.logProbabilities());
          }
        }
      }
      return deferred ? readAll(queued) : results;
    } finally {
      queued.forEach(PtNDArray::close);
    }
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
      List<IValue> arguments = new ArrayList<>();
      long[][] perToken = {
        batch.ids(), batch.positions(), batch.logitIndices(), batch.targets(), batch.segmentIds()
      };
      if (deferred) {
        AttentionIndex index = AttentionIndex.of(batch);
        long[][] parts =
            Stream.of(perToken, parts(index)).flatMap(Arrays::stream).toArray(long[][]::new);
        arguments.add(hostNumbers(scope, values, parts));
        arguments.add(values.list(lengths(parts)));
        arguments.add(values.list(batch.promptLengths()));
        arguments.add(values.list(batch.answerLengths()));
        arguments.add(values.list(index.queryLengths()));
        arguments.add(values.list(index.keyLengths()));
      } else {
        for (long[] numbers : perToken) {
          arguments.add(values.of((PtNDArray) scope.create(numbers, new Shape(numbers.length))));
        }
        arguments.add(values.list(batch.promptLengths()));
        arguments.add(values.list(batch.answerLengths()));
        arguments.add(values.list(NONE));
        arguments.add(values.list(new long[0]));
        arguments.add(values.list(new long[0]));
      }
      arguments.addAll(
          List.of(
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
              values.of(settings.activationCheckpointing())));
      IValue result =
          values.call(deferred ? "device_forward" : "forward", arguments.toArray(IValue[]::new));
      return new ForwardPass(this, batch, scope, values, values.parts(result));
    } catch (RuntimeException | Error e) {
      values.close();
      scope.close();
      throw e;
    }
  }

  private static long[][] parts(AttentionIndex index) {
    return new long[][] {
      index.queryStarts(),
      index.keyStarts(),
      index.keys(),
      index.own(),
      index.repetitions(),
      index.repeated()
    };
  }

  private static long[] lengths(long[]... parts) {
    return Arrays.stream(parts).mapToLong(p -> p.length).toArray();
  }

  /** One tensor of the host's, so that one copy brings all to the device. */
  private static IValue hostNumbers(PtNDManager scope, TorchValues values, long[]... parts) {
    long[] all = Arrays.stream(parts).flatMapToLong(Arrays::stream).toArray();
    PtNDManager host = scope.newSubManager(Device.cpu());
    return values.of((PtNDArray) host.create(all, new Shape(all.length)));
  }

  /** Has the next step read the pass's log-probabilities. */
  void readWithStep(ForwardPass pass) {
    unread.add(pass.sums(manager));
  }

  /** Waits until the device has computed a tensor. */
  double[] read(PtNDArray array) {
    reads++;
    float[] numbers = array.toFloatArray();
    return IntStream.range(0, numbers.length).mapToDouble(i -> numbers[i]).toArray();
  }

  /** How often the host has waited for the device to read numbers of forward passes and steps. */
  int reads() {
    return reads;
  }

  private List<double[]> readAll(List<PtNDArray> arrays) {
    List<double[]> results = new ArrayList<>();
    if (arrays.isEmpty()) {
      return results;
    }
    try (PtNDManager scope = (PtNDManager) manager.newSubManager();
        TorchValues values = new TorchValues(script)) {
      IValue together = values.call("together", values.list(arrays.toArray(PtNDArray[]::new)));
      double[] all = read(together.toTensor(scope));
      int from = 0;
      for (PtNDArray array : arrays) {
        int to = from + Math.toIntExact(array.size());
        results.add(Arrays.copyOfRange(all, from, to));
        from = to;
      }
      return results;
    }
  }

  /**
   * An optimizer's step.
   *
   * @param gradientNorm the gradient's 2-norm before clipping
   * @param logProbabilities of a deferred program: Σ ln p of the sequences of each micro-batch
   *     since the step before, as {@link ForwardPass#logProbabilities}; else empty
   */
  public record Step(double gradientNorm, List<double[]> logProbabilities) {}

  /**
   * The optimizer's step, in place; matrices decay, gains and biases do not. Gradients are cleared.
   * Where their norm is not finite nothing is changed, but by Adafactor in a {@link #isDeferred}
   * program, whose weights are of no use then.
   */
  public Step step(int step, double rate, double decay, double limit) {
    JniUtils.setGradMode(false);
    if (!deferred) {
      double norm = optimizer.step(step, rate, decay, limit);
      if (Double.isFinite(norm)) {
        weights.refresh();
      }
      return new Step(norm, List.of());
    }
    unread.add(optimizer.deviceStep(step, rate, decay, limit));
    weights.refresh();
    try {
      List<double[]> numbers = readAll(unread);
      int last = numbers.size() - 1;
      return new Step(numbers.get(last)[0], List.copyOf(numbers.subList(0, last)));
    } finally {
      unread.forEach(PtNDArray::close);
      unread.clear();
    }
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
