package org.autodidact.pytorch.program;

import ai.djl.Device;
import ai.djl.ndarray.types.DataType;
import ai.djl.ndarray.types.Shape;
import ai.djl.ndarray.types.SparseFormat;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.engine.PtSymbolBlock;
import ai.djl.pytorch.jni.JniUtils;
import java.io.IOException;
import java.nio.ByteBuffer;
import java.nio.channels.FileChannel;
import java.nio.file.StandardOpenOption;
import java.util.List;
import java.util.stream.IntStream;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.safetensors.TensorInfo;

/**
 * The model's weights in libtorch, in the script's order: stored in float32, and as matrix products
 * take them. The manager owns their memory.
 */
final class ProgramWeights {
  private final PtNDManager manager;
  private final PtSymbolBlock script;
  private final List<String> names;
  private final TrainingSettings settings;
  private final boolean bf16;

  /**
   * In float32. Of a frozen matrix nothing is stored where products take bf16, and the scales
   * [outputs, 1] where it is quantized.
   */
  private final PtNDArray[] stored;

  /** The stored weights themselves, or their matrices in bf16 or int8. */
  private final PtNDArray[] compute;

  ProgramWeights(
      PtNDManager manager,
      PtSymbolBlock script,
      ModelFolder folder,
      List<String> names,
      TrainingSettings settings,
      boolean bf16) {
    this.manager = manager;
    this.script = script;
    this.names = names;
    this.settings = settings;
    this.bf16 = bf16;
    this.stored = new PtNDArray[names.size()];
    this.compute = new PtNDArray[names.size()];
    for (int i = 0; i < stored.length; i++) {
      prepare(i, folder, folder.tensor(names.get(i)));
    }
  }

  List<String> names() {
    return names;
  }

  PtNDArray[] stored() {
    return stored;
  }

  PtNDArray[] compute() {
    return compute;
  }

  private void prepare(int i, ModelFolder folder, TensorInfo tensor) {
    boolean matrix = tensor.shape().size() > 1;
    boolean frozen = matrix && isFrozen(i);
    if (frozen && settings.lora().orElseThrow().quantized()) {
      quantize(i, folder.floats(tensor), tensor.shape());
      return;
    }
    stored[i] = load(folder, tensor);
    compute[i] = stored[i];
    if (matrix && bf16) {
      compute[i] = toCompute(stored[i]);
    }
    if (frozen && bf16) {
      stored[i].close();
      stored[i] = (PtNDArray) manager.zeros(new Shape(0), DataType.FLOAT32);
    }
  }

  /**
   * Quantizes a matrix to int8 with one scale an output. In Java: float32 copies that libtorch made
   * and freed would leave holes between the int8 matrices that nothing fills.
   */
  private void quantize(int i, float[] matrix, List<Long> shape) {
    int inputs = Math.toIntExact(shape.get(1));
    float[] scales = new float[matrix.length / inputs];
    ByteBuffer bytes = ByteBuffer.allocateDirect(matrix.length);
    for (int output = 0; output < scales.length; output++) {
      float largest = Float.MIN_NORMAL;
      for (int k = output * inputs; k < (output + 1) * inputs; k++) {
        largest = Math.max(largest, Math.abs(matrix[k]));
      }
      scales[output] = largest / Byte.MAX_VALUE;
      for (int k = output * inputs; k < (output + 1) * inputs; k++) {
        bytes.put((byte) Math.rint(matrix[k] / scales[output]));
      }
    }
    compute[i] = manager.create(bytes.flip(), new Shape(scales.length, inputs), DataType.INT8);
    stored[i] = (PtNDArray) manager.create(scales, new Shape(scales.length, 1));
  }

  /** Whether it is a layer's weight that stays as it is while an adapter is trained. */
  private boolean isFrozen(int i) {
    return settings.lora().isPresent() && names.get(i).startsWith("model.layers.");
  }

  /** A copy in bf16; made by the script, as DJL cannot. */
  private PtNDArray toCompute(PtNDArray weight) {
    try (TorchValues values = new TorchValues(script)) {
      return values.call("to_compute", values.of(weight)).toTensor(manager);
    }
  }

  /** Reads a tensor into memory that libtorch owns; nothing of the file stays mapped. */
  private PtNDArray load(ModelFolder folder, TensorInfo tensor) {
    Shape shape = new Shape(tensor.shape().stream().mapToLong(d -> d).toArray());
    PtNDArray array =
        JniUtils.createEmptyNdArray(
            manager, shape, DataType.FLOAT32, Device.cpu(), SparseFormat.DENSE);
    ByteBuffer view = HostCopies.view(array);
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
      long offset = tensor.offset();
      while (into.hasRemaining()) {
        int count = channel.read(into, offset);
        if (count < 0) {
          throw new IOException("ends within '" + tensor.name() + "'");
        }
        offset += count;
      }
    } catch (IOException e) {
      throw new StorageException(tensor.file() + ": cannot be read: " + e, e);
    }
  }

  /** Brings the bf16 copies up to date with the stored weights, where these are trained. */
  void refresh() {
    if (bf16 && settings.lora().isEmpty()) {
      try (TorchValues values = new TorchValues(script)) {
        int[] matrices =
            IntStream.range(0, stored.length).filter(i -> compute[i] != stored[i]).toArray();
        values.call(
            "refresh",
            values.list(select(stored, matrices)),
            values.list(select(compute, matrices)));
      }
    }
  }

  static PtNDArray[] select(PtNDArray[] arrays, int[] indices) {
    return IntStream.of(indices).mapToObj(i -> arrays[i]).toArray(PtNDArray[]::new);
  }

  /** Adds the adapter to the stored weights; frozen matrices are read from the folder again. */
  void merge(ModelFolder folder, LoraAdapter adapter) {
    for (int i = 0; i < stored.length; i++) {
      if (isFrozen(i) && compute[i] != stored[i]) {
        stored[i].close();
        stored[i] = load(folder, folder.tensor(names.get(i)));
        compute[i].close();
        compute[i] = stored[i];
      }
    }
    try (TorchValues values = new TorchValues(script)) {
      for (int i = 0; i < adapter.weights().length; i++) {
        values.call(
            "merge",
            values.of(stored[adapter.weights()[i]]),
            values.of(adapter.matrices()[2 * i]),
            values.of(adapter.matrices()[2 * i + 1]));
      }
    }
  }
}
