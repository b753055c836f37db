package org.autodidact.checkpoints;

import java.nio.ByteBuffer;
import java.nio.file.Path;
import java.util.Map;
import java.util.SortedMap;

/** A Hugging Face folder, opened for reading. Holds the tokenizer's native memory until closed. */
public final class ModelFolder implements AutoCloseable {

  /** Opens and checks config, tensor headers, tokenizer and chat template. */
  public static ModelFolder open(Path folder) {
    throw new UnsupportedOperationException();
  }

  public Path path() {
    throw new UnsupportedOperationException();
  }

  public ModelConfig config() {
    throw new UnsupportedOperationException();
  }

  /** Every tensor by name. */
  public SortedMap<String, TensorInfo> tensors() {
    throw new UnsupportedOperationException();
  }

  /** One tensor; the error for a missing one names it, its folder and the near names. */
  public TensorInfo tensor(String name) {
    throw new UnsupportedOperationException();
  }

  /** A read-only, little-endian view of the mapped file. */
  public ByteBuffer bytes(TensorInfo tensor) {
    throw new UnsupportedOperationException();
  }

  /** The tensor's elements widened to float. */
  public float[] floats(TensorInfo tensor) {
    throw new UnsupportedOperationException();
  }

  public PromptEncoder encoder() {
    throw new UnsupportedOperationException();
  }

  /**
   * Writes a folder with this one's config and tokenizer and new float32 weights, stored as
   * float32. The folder appears whole or not at all: it is written beside its place, forced to disk
   * and renamed.
   *
   * @param tensors little-endian float32 by name, in the order of writing
   */
  public void writeWithWeights(Path folder, Map<String, WeightSource> tensors) {
    throw new UnsupportedOperationException();
  }

  @Override
  public void close() {
    throw new UnsupportedOperationException();
  }
}
