package org.autodidact.checkpoints;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RopeTest {
  @TempDir Path folder;

  /** From transformers' ROPE_INIT_FUNCTIONS["llama3"], head size 32. */
  private static final double[] LLAMA3 = {
    1.0000e+00, 4.4037e-01, 1.9392e-01, 8.5397e-02, 3.7606e-02, 1.6560e-02, 7.2927e-03, 3.2114e-03,
    5.2485e-04, 7.7847e-05, 3.4281e-05, 1.5096e-05, 6.6479e-06, 2.9275e-06, 1.2892e-06, 5.6771e-07
  };

  private float[] frequencies(String scaling) throws Exception {
    Files.writeString(
        folder.resolve("config.json"),
        """
        {"model_type": "llama", "architectures": ["LlamaForCausalLM"], "hidden_size": 128, "intermediate_size": 256,
         "num_hidden_layers": 1, "num_attention_heads": 4, "num_key_value_heads": 4, "head_dim": 32,
         "vocab_size": 10, "max_position_embeddings": 131072, "rms_norm_eps": 1e-5, "rope_theta": 500000.0, "eos_token_id": 2%s}
        """
            .formatted(scaling));
    ModelConfig config = ConfigReader.read(folder);
    return Rope.inverseFrequencies(config.headSize(), config.attention().get(0).rope());
  }

  @Test
  void llama3ScalingIsTransformers() throws Exception {
    float[] found =
        frequencies(
            ", \"rope_scaling\": {\"rope_type\": \"llama3\", \"factor\": 8.0, \"low_freq_factor\": 1.0,"
                + " \"high_freq_factor\": 4.0, \"original_max_position_embeddings\": 8192}");
    assertThat(found).hasSize(LLAMA3.length);
    for (int i = 0; i < found.length; i++) {
      assertThat((double) found[i]).isCloseTo(LLAMA3[i], within(LLAMA3[i] * 1e-4));
    }
  }

  @Test
  void linearScalingDivides() throws Exception {
    float[] plain = frequencies("");
    float[] scaled = frequencies(", \"rope_scaling\": {\"type\": \"linear\", \"factor\": 4.0}");
    for (int i = 0; i < plain.length; i++) {
      assertThat((double) scaled[i]).isCloseTo(plain[i] / 4.0, within(plain[i] * 1e-6));
    }
  }
}
