package org.autodidact.pytorch.program;

import ai.djl.Device;
import ai.djl.pytorch.engine.PtNDArray;
import ai.djl.pytorch.engine.PtNDManager;
import ai.djl.pytorch.jni.JniUtils;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;

/** Tensors as buffers of the host: on CPUs their own memory, of a GPU's copies. */
final class HostCopies {
  private final PtNDManager manager;

  /** Owns the copies of a GPU's tensors that were made last. */
  private PtNDManager copies;

  HostCopies(PtNDManager manager) {
    this.manager = manager;
    this.copies = manager.newSubManager(Device.cpu());
  }

  /** A tensor of the host's as a buffer, in native byte order. */
  static ByteBuffer view(PtNDArray array) {
    return JniUtils.getByteBuffer(array, true).order(ByteOrder.nativeOrder());
  }

  /** Buffers to read from. A GPU's are valid until the next call. */
  List<ByteBuffer> views(PtNDArray[] arrays) {
    return Arrays.stream(local(arrays)).map(HostCopies::view).toList();
  }

  /** Has {@code source} fill the tensors. */
  void fill(PtNDArray[] arrays, Consumer<List<ByteBuffer>> source) {
    PtNDArray[] local = local(arrays);
    source.accept(Arrays.stream(local).map(HostCopies::view).toList());
    for (int i = 0; i < arrays.length; i++) {
      if (local[i] != arrays[i]) {
        local[i].copyTo(arrays[i]);
      }
    }
  }

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
}
