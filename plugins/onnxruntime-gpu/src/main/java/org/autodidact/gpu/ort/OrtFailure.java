package org.autodidact.gpu.ort;

import org.autodidact.api.AutodidactException;

/** A status that ONNX Runtime returned, in one line. */
public final class OrtFailure extends AutodidactException {
  private static final long serialVersionUID = 1L;

  private final int code;

  OrtFailure(String doing, int code, String message) {
    super("ONNX Runtime failed to " + doing + " (" + name(code) + "): " + reason(message));
    this.code = code;
  }

  /** {@code OrtErrorCode}. */
  public int code() {
    return code;
  }

  /** {@code OrtErrorCode} by number, as in onnxruntime_error_code.h. */
  private static String name(int code) {
    String[] names = {
      "ok",
      "failure",
      "invalid argument",
      "no such file",
      "no model",
      "engine error",
      "runtime exception",
      "invalid protobuf",
      "model loaded",
      "not implemented",
      "invalid graph",
      "execution provider failure"
    };
    return code >= 0 && code < names.length ? names[code] : "code " + code;
  }

  /** The message on one line, without the places in ONNX Runtime's source. */
  static String reason(String message) {
    return message
        .replaceAll("\\[ONNXRuntimeError] : \\d+ : \\w+ : ", "")
        .replaceAll("\\S*/onnxruntime/\\S+:\\d+ ", "")
        .replaceAll("[\\w:]*onnxruntime::\\S+ onnxruntime::\\S+\\(\\) ", "")
        .replaceAll("\\s+", " ")
        .strip();
  }
}
