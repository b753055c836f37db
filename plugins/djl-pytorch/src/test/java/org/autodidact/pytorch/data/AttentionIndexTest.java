package org.autodidact.pytorch.data;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class AttentionIndexTest {
  @Test
  void aSecondAnswersKeysAreItsPromptsOnceMoreAndItsOwn() {
    AttentionIndex index = AttentionIndex.of(new long[] {2, 1}, new long[] {2, 1, 1, 0});
    // Tokens: prompt 0 1, answers 2 3 and 4; prompt 5, answer 6, and one without a token.
    assertThat(index.queryLengths()).containsExactly(4, 1, 2);
    assertThat(index.keyLengths()).containsExactly(4, 3, 2);
    assertThat(index.queryStarts()).containsExactly(0, 4, 5, 7);
    assertThat(index.keyStarts()).containsExactly(0, 4, 7, 9);
    assertThat(index.keys()).containsExactly(0, 1, 2, 3, 0, 1, 4, 5, 6);
    assertThat(index.own()).containsExactly(0, 1, 2, 3, 6, 7, 8);
    assertThat(index.repetitions()).containsExactly(4, 5);
    assertThat(index.repeated()).containsExactly(0, 1);
  }

  @Test
  void whereNothingIsRepeatedKeysAreTheTokens() {
    AttentionIndex index = AttentionIndex.of(new long[] {2, 3}, new long[] {2, 1});
    assertThat(index.queryLengths()).containsExactly(4, 4).isEqualTo(index.keyLengths());
    assertThat(index.keys()).isEmpty();
    assertThat(index.own()).isEmpty();
    assertThat(index.repetitions()).isEmpty();
  }
}
