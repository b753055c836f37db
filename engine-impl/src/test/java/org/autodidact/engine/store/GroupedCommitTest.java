package org.autodidact.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import java.util.List;
import java.util.OptionalDouble;
import java.util.stream.IntStream;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.Prompt;
import org.autodidact.api.StorageException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** Results that come quickly are committed together, soon, and none takes another with it. */
class GroupedCommitTest {
  private static final int PROMPTS = 200;

  @TempDir Path folder;

  private static void addCandidate(RunStore store, int prompt) {
    store
        .iterations()
        .addCandidates(
            1,
            prompt,
            0,
            "M1",
            new Generation(
                "p" + prompt,
                List.of(1),
                List.of(
                    new Candidate(prompt, "an answer", List.of(2), -1, FinishReason.END_OF_TEXT))));
  }

  private RunStore begun() {
    RunStore store = RunStore.open(folder);
    store
        .iterations()
        .addPrompts(
            1, IntStream.range(0, PROMPTS).mapToObj(i -> Prompt.of("p" + i, "say " + i)).toList());
    return store;
  }

  private int seenByOthers() {
    try (RunStore reading = RunStore.read(folder)) {
      return reading.iterations().candidateCount(1, 0);
    }
  }

  @Test
  void whatNobodyFollowsIsCommittedByItself() throws Exception {
    try (RunStore store = begun()) {
      IntStream.range(0, PROMPTS).forEach(p -> addCandidate(store, p));
      assertThat(store.iterations().sampledCount(1, 0)).isEqualTo(PROMPTS);
      for (int wait = 0; wait < 600 && seenByOthers() < PROMPTS; wait++) {
        Thread.sleep(100);
      }
      assertThat(seenByOthers()).isEqualTo(PROMPTS);
    }
  }

  @Test
  void aFailureTakesOnlyItsOwnBack() {
    try (RunStore store = begun()) {
      IntStream.range(0, 50).forEach(p -> addCandidate(store, p));
      assertThatThrownBy(() -> addCandidate(store, 49)).isInstanceOf(StorageException.class);
      assertThatThrownBy(() -> addCandidate(store, PROMPTS)).isInstanceOf(StorageException.class);
      IntStream.range(50, 60).forEach(p -> addCandidate(store, p));
      assertThatThrownBy(
              () -> store.iterations().addEarlierScore(1, PROMPTS, 0, "M0", OptionalDouble.of(1)))
          .isInstanceOf(StorageException.class);
    }
    assertThat(seenByOthers()).isEqualTo(60);
  }

  @Test
  void aTransactionCommitsWhatCameBefore() {
    try (RunStore store = begun()) {
      IntStream.range(0, 10).forEach(p -> addCandidate(store, p));
      store.put("done", "yes");
      assertThat(seenByOthers()).isEqualTo(10);
    }
  }
}
