package org.autodidact.onnxruntime.ort;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.Map;
import java.util.Set;
import org.autodidact.api.AutodidactException;

/** An ONNX Runtime session with its options, which must not be closed before it. Thread-safe. */
public final class OwnedSession implements AutoCloseable {
  private final OrtSession.SessionOptions options;
  private final OrtSession session;
  private boolean closed;

  private OwnedSession(OrtSession.SessionOptions options, OrtSession session) {
    this.options = options;
    this.session = session;
  }

  /** Sets the options and creates the session. */
  public interface Maker {
    OrtSession make(OrtSession.SessionOptions options) throws OrtException;
  }

  public static OwnedSession of(Maker maker) throws OrtException {
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    try {
      return new OwnedSession(options, maker.make(options));
    } catch (OrtException | RuntimeException | Error e) {
      options.close();
      throw e;
    }
  }

  public OrtSession get() {
    return session;
  }

  /** Runs the graph; the result owns the outputs' memory. */
  public OrtSession.Result run(Map<String, OnnxTensor> inputs) throws OrtException {
    return session.run(inputs);
  }

  /** Runs the graph, writing all outputs into the given tensors. */
  public void run(Map<String, OnnxTensor> inputs, Map<String, OnnxTensor> outputs)
      throws OrtException {
    session.run(inputs, Set.of(), outputs).close();
  }

  @Override
  public void close() {
    if (closed) {
      return;
    }
    closed = true;
    try (options) {
      session.close();
    } catch (OrtException e) {
      throw new AutodidactException("ONNX Runtime failed to close: " + e.getMessage(), e);
    }
  }
}
