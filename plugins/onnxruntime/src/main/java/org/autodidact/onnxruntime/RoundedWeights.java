package org.autodidact.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.util.Map;

/** A checkpoint's weights, rounded, in memory of their own; must outlive the decoders over them. */
interface RoundedWeights extends AutoCloseable {
  /** The products with these weights. */
  Projections projections(OnnxGraph graph);

  /** The graph's weights by their names; the tensors' memory is this object's. */
  void give(OrtEnvironment environment, Map<String, OnnxTensor> given) throws OrtException;

  @Override
  void close();
}
