package org.autodidact.gpu.decode;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.util.List;
import java.util.stream.IntStream;
import org.autodidact.gpu.decode.PrefillPass.Limits;
import org.autodidact.gpu.decode.PrefillPass.Text;
import org.junit.jupiter.api.Test;

class PrefillPassTest {
  private static final Limits WIDE = new Limits(1000, 1000, 1000, 100);

  private static List<PrefillPass> passes(int[] kept, Limits limits, int[]... texts) {
    return PrefillPass.of(List.of(texts).stream().map(Text::unscored).toList(), kept, limits);
  }

  @Test
  void whatTextsBeginWithAlikeIsOneRow() {
    int[] common = IntStream.range(0, 70).toArray();
    int[] a = IntStream.concat(IntStream.of(common), IntStream.of(7, 8)).toArray();
    int[] b = IntStream.concat(IntStream.of(common), IntStream.of(9)).toArray();
    List<PrefillPass> passes = passes(new int[0], WIDE, a, b);
    assertThat(passes).hasSize(1);
    PrefillPass pass = passes.get(0);
    assertThat(pass.texts()).containsExactly(0, 1);
    assertThat(pass.computed()).isEqualTo(73);
    assertThat(pass.width()).isEqualTo(72);
    long[] sequences = pass.sequences();
    assertThat(sequences).hasSize(2 * 72);
    assertThat(sequences[72 + 69]).isEqualTo(69);
    assertThat(sequences[72 + 70]).isEqualTo(72);
    assertThat(pass.ids()[72]).isEqualTo(9);
    assertThat(pass.places()[72]).isEqualTo(72 + 70);
    assertThat(pass.row(1, 3)).isEqualTo(3);
  }

  @Test
  void keptRowsComeFirstAndAreNotComputed() {
    int[] kept = {5, 6};
    PrefillPass pass = passes(kept, WIDE, new int[] {5, 6, 1}, new int[] {5, 6, 2, 3}).get(0);
    assertThat(pass.texts()).containsExactly(1, 0);
    assertThat(pass.ids()).containsExactly(2, 3, 1);
    assertThat(pass.sequences()).containsExactly(0, 1, 2, 3, 0, 1, 4, 4);
    assertThat(pass.places()).containsExactly(2, 3, 6);
    assertThat(pass.row(1, 2)).isEqualTo(2);
    assertThatThrownBy(() -> passes(kept, WIDE, new int[] {5, 1}))
        .hasMessageContaining("does not begin");
  }

  @Test
  void equalTextsHaveTheirLastTokenEach() {
    PrefillPass pass = passes(new int[0], WIDE, new int[] {1, 2}, new int[] {1, 2}).get(0);
    assertThat(pass.ids()).containsExactly(1, 2, 2);
    assertThat(pass.sequences()).containsExactly(0, 1, 0, 2);
  }

  @Test
  void passesKeepTheirBounds() {
    int[] one = {1};
    int[] four = {2, 3, 4, 5};
    int[] five = {6, 7, 8, 9, 10};
    // Rows: the longest first, and then what still fits.
    assertThat(passes(new int[0], new Limits(9, 100, 9, 100), one, four, five))
        .extracting(PrefillPass::texts)
        .containsExactly(List.of(2, 1), List.of(0));
    // Places: two of five tokens are ten.
    assertThat(passes(new int[0], new Limits(100, 9, 9, 100), one, four, five))
        .extracting(PrefillPass::texts)
        .containsExactly(List.of(2), List.of(1, 0));
    // Texts.
    assertThat(passes(new int[0], new Limits(100, 100, 9, 2), one, four, five))
        .extracting(PrefillPass::texts)
        .containsExactly(List.of(2, 1), List.of(0));
    // A text that is too long is alone.
    List<PrefillPass> passes = passes(new int[0], new Limits(4, 100, 9, 100), five, one);
    assertThat(passes).extracting(PrefillPass::isLong).containsExactly(true, false);
  }

  @Test
  void scoredRowsAreBounded() {
    Text text = new Text(new int[] {1, 2, 3, 4}, 1, List.of(new int[] {2, 3, 4}));
    Text other = new Text(new int[] {9, 2, 3, 4}, 1, List.of(new int[] {2, 3, 4}));
    assertThat(PrefillPass.of(List.of(text, other), new int[0], new Limits(100, 100, 5, 100)))
        .hasSize(2);
    assertThat(
            PrefillPass.of(List.of(text), new int[0], new Limits(100, 100, 2, 100)).get(0).isLong())
        .isTrue();
  }
}
