package org.autodidact.onnxruntime.ort;

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
public final class OwnedSession implements AutoCloseable {
  private final OrtSession.SessionOptions options;
  private final OrtSession session;
  private boolean closed;

  private OwnedSession(OrtSession.SessionOptions options, OrtSession session) {
    this.options = options;
    this.session = session;
  }

  /** Sets the options and makes the session. */
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

  /** All outputs, in memory of the result. */
  public OrtSession.Result run(Map<String, OnnxTensor> inputs) throws OrtException {
    return session.run(inputs);
  }

  /** Writes all outputs into the given tensors. */
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
