package org.autodidact.onnxruntime.quantization;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import java.util.Map;
import org.autodidact.onnxruntime.graph.Projections;
import org.autodidact.onnxruntime.ort.OnnxGraphBuilder;

/** A checkpoint's weights, rounded, in memory of their own; must outlive the decoders over them. */
public interface QuantizedWeights extends AutoCloseable {
  /** The products with these weights. */
  Projections projections(OnnxGraphBuilder graph);

  /** The graph's weights by their names; the tensors' memory is this object's. */
  void give(OrtEnvironment environment, Map<String, OnnxTensor> given) throws OrtException;

  @Override
  void close();
}
