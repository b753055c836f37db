package org.autodidact.api;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.time.Duration;
import java.util.ArrayList;
import java.util.List;
import org.junit.jupiter.api.Test;

class CancellationTest {
  @Test
  void actionsRunOnceInTheirOrderUnlessTakenBack() {
    Cancellation cancellation = new Cancellation();
    List<String> ran = new ArrayList<>();
    cancellation.onCancel(() -> ran.add("first"));
    cancellation.onCancel(() -> ran.add("taken back")).close();
    cancellation.onCancel(() -> ran.add("second"));
    cancellation.cancel();
    cancellation.cancel();
    assertThat(ran).containsExactly("first", "second");
    cancellation.onCancel(() -> ran.add("late"));
    assertThat(ran).endsWith("late");
  }

  @Test
  void itCanBeWaitedFor() throws Exception {
    Cancellation cancellation = new Cancellation();
    assertThat(cancellation.await(Duration.ofMillis(1))).isFalse();
    Thread other = new Thread(cancellation::cancel);
    other.start();
    assertThat(cancellation.await(Duration.ofMinutes(1))).isTrue();
    other.join();
  }

  @Test
  void anInterruptEndsTheWait() {
    Thread.currentThread().interrupt();
    assertThatThrownBy(() -> new Cancellation().await(Duration.ofMinutes(1)))
        .isInstanceOf(CancelledException.class);
    assertThat(Thread.interrupted()).isTrue();
  }
}
