package org.autodidact.pytorch.state;

import static org.assertj.core.api.Assertions.assertThat;

import org.junit.jupiter.api.Test;

class SavePaceTest {
  @Test
  void savingTakesATwentiethOfTheTimeAtMost() {
    SavePace pace = new SavePace(500, 7);
    assertThat(pace.isDue(7 + 19_999)).isFalse();
    assertThat(pace.isDue(7 + 20_000)).isTrue();
    pace.saved(30_000, 30_010);
    assertThat(pace.isDue(30_209)).isFalse();
    assertThat(pace.isDue(30_210)).isTrue();
  }
}
