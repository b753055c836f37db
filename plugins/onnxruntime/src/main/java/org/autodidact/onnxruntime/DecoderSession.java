package org.autodidact.onnxruntime;

import ai.onnxruntime.OnnxJavaType;
import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtLoggingLevel;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.nio.IntBuffer;
import java.nio.LongBuffer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.stream.Collectors;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.UnsupportedModelException;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.TensorInfo;

/** A checkpoint loaded into ONNX Runtime, with its key-value cache. One thread at a time. */
final class DecoderSession implements AutoCloseable {
  private final OrtEnvironment environment;
  private final OrtSession session;
  private final KeyValueCache cache;
  private final Optional<Int8Weights> int8;
  private final int vocabulary;
  private NativeBuffer logits = NativeBuffer.ofFloats(0);
  private NativeBuffer probabilities = NativeBuffer.ofFloats(0);
  private NativeBuffer peaks = NativeBuffer.ofFloats(0);

  /** In float32. */
  DecoderSession(ModelFolder model, int threads) {
    this(model, threads, Optional.empty());
  }

  /** In 8 bits where {@code int8} is there; closes it with itself. */
  DecoderSession(ModelFolder model, int threads, Optional<Int8Weights> int8) {
    this.cache = new KeyValueCache(model.config());
    this.vocabulary = model.config().vocabularySize();
    this.environment = OrtEnvironment.getEnvironment(OrtLoggingLevel.ORT_LOGGING_LEVEL_ERROR);
    this.int8 = int8;
    byte[] graph = graph(model, int8);
    Map<String, OnnxTensor> given = new LinkedHashMap<>();
    try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
      options.setIntraOpNumThreads(threads);
      options.setInterOpNumThreads(1);
      options.setMemoryPatternOptimization(false);
      options.addConfigEntry(
          "session.model_external_initializers_file_folder_path", weightFolder(model).toString());
      if (int8.isPresent()) {
        give(int8.get(), model.config(), given);
        options.addExternalInitializers(Map.copyOf(given));
      }
      this.session = environment.createSession(graph, options);
    } catch (OrtException e) {
      int8.ifPresent(Int8Weights::close);
      throw new UnsupportedModelException(
          model.path() + ": ONNX Runtime refused the decoder graph: " + e.getMessage(), e);
    } finally {
      given.values().forEach(OnnxTensor::close);
    }
  }

  /** The weights that lie in memory, by their names in the graph. */
  private void give(Int8Weights weights, ModelConfig config, Map<String, OnnxTensor> given)
      throws OrtException {
    given.put(
        Int8Weights.EMBEDDING,
        tensor(weights.embedding(), config.vocabularySize(), config.hiddenSize()));
    for (Map.Entry<String, Int8Weights.Matrix> entry : weights.matrices().entrySet()) {
      Int8Weights.Matrix m = entry.getValue();
      given.put(
          entry.getKey() + ".values",
          OnnxTensor.createTensor(
              environment,
              m.values().bytes(),
              new long[] {m.inputs(), m.outputs()},
              weights.signed() ? OnnxJavaType.INT8 : OnnxJavaType.UINT8));
    }
  }

  /** One architecture more is one graph class more and a line here. */
  private static byte[] graph(ModelFolder model, Optional<Int8Weights> int8) {
    return switch (model.config().modelType()) {
      case "llama" -> LlamaGraph.build(model, int8, model.config().contextLength());
      default ->
          throw new UnsupportedModelException(
              model.path()
                  + ": model type '"
                  + model.config().modelType()
                  + "' has no decoder graph here; there is one for: llama");
    };
  }

  /** The real folder of the weight files; ONNX Runtime follows no link out of it. */
  static Path weightFolder(ModelFolder model) {
    Set<Path> folders =
        model.tensors().values().stream()
            .map(TensorInfo::file)
            .map(Path::getParent)
            .collect(Collectors.toSet());
    if (folders.size() != 1) {
      throw new InvalidInputException(
          model.path() + ": its weight files must lie in one folder, found " + folders);
    }
    return folders.iterator().next();
  }

  KeyValueCache cache() {
    return cache;
  }

  /**
   * Runs new tokens of some rows through the decoder.
   *
   * @param firstRow the first row's place in the cache; the rows stand side by side
   * @param ids token ids [rows × width], right-padded
   * @param width tokens a row
   * @param lengths tokens of each row in the cache after this run
   * @param wanted where logits are wanted, indices into {@code ids}
   * @param inverseTemperatures one for each wanted
   */
  Logits run(
      int firstRow,
      long[] ids,
      int width,
      int[] lengths,
      long[] wanted,
      float[] inverseTemperatures) {
    int rows = lengths.length;
    int total = 0;
    int[] last = new int[rows];
    for (int i = 0; i < rows; i++) {
      total = Math.max(total, lengths[i]);
      last[i] = lengths[i] - 1;
    }
    reserve(wanted.length);
    // Everything bound stays reachable through this list until the run ends.
    List<OnnxTensor> bound = new ArrayList<>();
    try {
      Map<String, OnnxTensor> inputs = new LinkedHashMap<>();
      inputs.put("input_ids", tensor(LongBuffer.wrap(ids), rows, width));
      inputs.put(
          "seqlens_k",
          OnnxTensor.createTensor(environment, IntBuffer.wrap(last), new long[] {rows}));
      inputs.put(
          "total_sequence_length",
          OnnxTensor.createTensor(environment, IntBuffer.wrap(new int[] {total}), new long[] {1}));
      inputs.put("logit_rows", tensor(LongBuffer.wrap(wanted), wanted.length));
      inputs.put(
          "inverse_temperature", tensor(FloatBuffer.wrap(inverseTemperatures), wanted.length, 1));
      Map<String, OnnxTensor> outputs = new LinkedHashMap<>();
      Logits result =
          new Logits(
              logits.floats(0, (long) wanted.length * vocabulary),
              probabilities.floats(0, (long) wanted.length * vocabulary),
              peaks.floats(0, 2 * wanted.length),
              vocabulary);
      outputs.put("logits", tensor(result.logits(), wanted.length, vocabulary));
      outputs.put("probabilities", tensor(result.probabilities(), wanted.length, vocabulary));
      outputs.put("peaks", tensor(result.peaks(), wanted.length, 2));
      bound.addAll(inputs.values());
      bound.addAll(outputs.values());
      cache
          .bind(environment, firstRow, rows)
          .forEach(
              (name, tensor) -> {
                bound.add(tensor);
                inputs.put("past." + name, tensor);
                outputs.put("present." + name, tensor);
              });
      session.run(inputs, Set.of(), outputs).close();
      return result;
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed: " + e.getMessage(), e);
    } finally {
      bound.forEach(OnnxTensor::close);
    }
  }

  private OnnxTensor tensor(LongBuffer values, long... shape) throws OrtException {
    return OnnxTensor.createTensor(environment, values, shape);
  }

  private OnnxTensor tensor(FloatBuffer values, long... shape) throws OrtException {
    return OnnxTensor.createTensor(environment, values, shape);
  }

  private void reserve(int logitRows) {
    if (peaks.capacity() < 2L * logitRows) {
      closeLogits();
      logits = NativeBuffer.ofFloats((long) logitRows * vocabulary);
      probabilities = NativeBuffer.ofFloats((long) logitRows * vocabulary);
      peaks = NativeBuffer.ofFloats(2 * logitRows);
    }
  }

  private void closeLogits() {
    logits.close();
    probabilities.close();
    peaks.close();
  }

  @Override
  public void close() {
    try {
      session.close();
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed to close: " + e.getMessage(), e);
    } finally {
      cache.close();
      closeLogits();
      int8.ifPresent(Int8Weights::close);
    }
  }

  /**
   * What a run wrote; overwritten by the next.
   *
   * @param logits [rows × vocabulary]
   * @param probabilities [rows × vocabulary], at the row's temperature
   * @param peaks a row's highest logit and its probability, at temperature 1
   */
  record Logits(FloatBuffer logits, FloatBuffer probabilities, FloatBuffer peaks, int vocabulary) {

    /** ln p of a token at temperature 1. */
    double logProbability(int row, int token) {
      return (double) logits.get(row * vocabulary + token)
          - peaks.get(2 * row)
          + Math.log(peaks.get(2 * row + 1));
    }

    void copyLogits(int row, float[] into) {
      logits.get(row * vocabulary, into);
    }

    void copyProbabilities(int row, float[] into) {
      probabilities.get(row * vocabulary, into);
    }
  }
}
