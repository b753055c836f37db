package org.autodidact.engine.store;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.ArrayList;
import java.util.List;
import java.util.stream.IntStream;
import org.junit.jupiter.api.Test;

/** A stored list is read in portions by who walks through it, singly by who jumps. */
class StoredListTest {
  private static final int SIZE = 3 * PromptRange.PORTION + 7;

  private final List<List<Integer>> reads = new ArrayList<>();
  private final List<Integer> list =
      new StoredList<>(
          SIZE,
          (from, to) -> {
            reads.add(List.of(from, to));
            return IntStream.range(from, to).boxed().toList();
          });

  @Test
  void whoWalksReadsEachPortionOnce() {
    assertThat(list).containsExactlyElementsOf(IntStream.range(0, SIZE).boxed().toList());
    assertThat(reads).hasSize(4).endsWith(List.of(3 * PromptRange.PORTION, SIZE));
  }

  @Test
  void whoJumpsReadsOne() {
    assertThat(list.get(2000)).isEqualTo(2000);
    assertThat(list.get(17)).isEqualTo(17);
    assertThat(list.get(SIZE - 1)).isEqualTo(SIZE - 1);
    assertThat(reads)
        .containsExactly(List.of(2000, 2001), List.of(17, 18), List.of(SIZE - 1, SIZE));
  }

  @Test
  void aPortionMayBeShorterThanAsked() {
    List<Integer> short3 =
        new StoredList<>(
            10, (from, to) -> IntStream.range(from, Math.min(to, from + 3)).boxed().toList());
    assertThat(short3).containsExactly(0, 1, 2, 3, 4, 5, 6, 7, 8, 9);
  }

  @Test
  void whatIsBeyondItsEndIsRefused() {
    assertThatThrownBy(() -> list.get(SIZE)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThatThrownBy(() -> list.get(-1)).isInstanceOf(IndexOutOfBoundsException.class);
    assertThat(reads).isEmpty();
  }

  @Test
  void portionsCoverAllPromptsOnce() {
    assertThat(PromptRange.portions(0)).isEmpty();
    List<PromptRange> portions = PromptRange.portions(SIZE);
    assertThat(portions.stream().flatMapToInt(p -> IntStream.range(p.from(), p.to())))
        .containsExactlyElementsOf(list);
  }
}
