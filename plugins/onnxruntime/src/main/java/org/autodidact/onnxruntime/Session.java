package org.autodidact.onnxruntime;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.util.Map;
import java.util.Set;
import org.autodidact.api.AutodidactException;

/**
 * A session of ONNX Runtime and the options it was made with, which must not be closed before it.
 * Runs may be made by several threads at once.
 */
final class Session implements AutoCloseable {
  private final OrtSession.SessionOptions options;
  private final OrtSession session;
  private boolean closed;

  private Session(OrtSession.SessionOptions options, OrtSession session) {
    this.options = options;
    this.session = session;
  }

  /** Sets the options and makes the session. */
  interface Maker {
    OrtSession make(OrtSession.SessionOptions options) throws OrtException;
  }

  static Session of(Maker maker) throws OrtException {
    OrtSession.SessionOptions options = new OrtSession.SessionOptions();
    try {
      return new Session(options, maker.make(options));
    } catch (OrtException | RuntimeException | Error e) {
      options.close();
      throw e;
    }
  }

  OrtSession get() {
    return session;
  }

  /** All outputs, in memory of the result. */
  OrtSession.Result run(Map<String, OnnxTensor> inputs) throws OrtException {
    return session.run(inputs);
  }

  /** Writes all outputs into the given tensors. */
  void run(Map<String, OnnxTensor> inputs, Map<String, OnnxTensor> outputs) throws OrtException {
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
