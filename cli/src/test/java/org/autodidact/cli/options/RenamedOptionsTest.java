package org.autodidact.cli.options;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class RenamedOptionsTest {
  @Test
  void earlierNamesMeanTodays() {
    assertThat(
            RenamedOptions.replaced(
                "train", "--provider", "cpu", "--recompute", "--warmup=3", "--max-grad-norm", "1"))
        .containsExactly(
            "train",
            "--device",
            "cpu",
            "--activation-checkpointing",
            "--warmup-steps=3",
            "--max-gradient-norm",
            "1");
    assertThat(RenamedOptions.replaced("--warmup-steps", "recompute", "--providers"))
        .containsExactly("--warmup-steps", "recompute", "--providers");
  }
}
