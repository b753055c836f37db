package org.autodidact.onnxruntime.quantization;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.util.Map;

/** A checkpoint's quantized weights in native memory; must outlive the decoders that read them. */
public sealed interface QuantizedWeights extends AutoCloseable
    permits Int8Weights, BlockInt8Weights {

  /** Adds the external initializers of a graph by name; the tensors' memory is this object's. */
  void addInitializers(OrtEnvironment environment, Map<String, OnnxTensor> initializers)
      throws OrtException;

  @Override
  void close();
}
