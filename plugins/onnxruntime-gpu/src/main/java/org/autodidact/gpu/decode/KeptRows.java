package org.autodidact.gpu.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.autodidact.checkpoints.ModelConfig;
import org.autodidact.gpu.memory.DeviceBuffer;
import org.autodidact.gpu.ort.IoBinding;
import org.autodidact.gpu.ort.OrtValue;

/**
 * A template's tokens on the device, as each layer's rows of queries, keys and values before the
 * rotation, which later runs read.
 */
final class KeptRows implements AutoCloseable {
  private final int[] tokens;
  private final DeviceBuffer memory;
  private final List<OrtValue> values = new ArrayList<>();

  /** Room for the rows of these tokens, of which there may be none. */
  KeptRows(DecoderEngine engine, int[] tokens) {
    this.tokens = tokens;
    ModelConfig config = engine.config();
    long width = (config.heads() + 2L * config.keyValueHeads()) * config.headSize();
    long bytes = tokens.length * width * engine.type().bytes();
    this.memory = engine.device().allocate(Math.max(1, bytes * config.layers()));
    try {
      for (int layer = 0; layer < config.layers(); layer++) {
        values.add(
            OrtValue.over(
                engine.memory(),
                memory.address() + layer * bytes,
                bytes,
                engine.type(),
                tokens.length,
                width));
      }
    } catch (RuntimeException | Error e) {
      close();
      throw e;
    }
  }

  int[] tokens() {
    return tokens;
  }

  boolean are(int[] others) {
    return Arrays.equals(tokens, others);
  }

  /** Binds the rows as inputs. */
  void bind(IoBinding binding) {
    for (int layer = 0; layer < values.size(); layer++) {
      binding.input("kept." + layer, values.get(layer));
    }
  }

  /** Binds the rows as what a run writes. */
  void bindOutputs(IoBinding binding) {
    for (int layer = 0; layer < values.size(); layer++) {
      binding.output("rows." + layer, values.get(layer));
    }
  }

  @Override
  public void close() {
    values.forEach(OrtValue::close);
    memory.close();
  }
}
