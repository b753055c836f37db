package org.autodidact.engine.text;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.within;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.InputStream;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import net.jqwik.api.constraints.IntRange;
import net.jqwik.api.constraints.Size;
import org.junit.jupiter.api.Test;

/** Against Google's rouge_score: src/test/python/rouge_l.py made the numbers. */
class RougeLTest {
  @Test
  void everyF1IsWhatGoogleSays() throws Exception {
    JsonNode pairs;
    try (InputStream in = RougeLTest.class.getResourceAsStream("rouge_l.json")) {
      pairs = new JsonMapper().readTree(in);
    }
    assertThat(pairs).hasSizeGreaterThan(250);
    for (JsonNode pair : pairs) {
      String a = pair.path("a").asText();
      String b = pair.path("b").asText();
      assertThat(RougeL.f1(a, b))
          .as("%s | %s", a, b)
          .isCloseTo(pair.path("f1").asDouble(), within(1e-6));
    }
  }

  @Property
  void theCommonSubsequenceIsThatOfTheTextbook(
      @ForAll @Size(max = 200) List<@IntRange(min = 0, max = 9) Integer> one,
      @ForAll @Size(max = 200) List<@IntRange(min = 0, max = 9) Integer> other) {
    int[] a = one.stream().mapToInt(i -> i).toArray();
    int[] b = other.stream().mapToInt(i -> i).toArray();
    int[][] best = new int[a.length + 1][b.length + 1];
    for (int i = 1; i <= a.length; i++) {
      for (int j = 1; j <= b.length; j++) {
        best[i][j] =
            a[i - 1] == b[j - 1]
                ? best[i - 1][j - 1] + 1
                : Math.max(best[i - 1][j], best[i][j - 1]);
      }
    }
    assertThat(RougeL.longestCommonSubsequence(a, b)).isEqualTo(best[a.length][b.length]);
  }

  /** Few words, so that many texts are alike; the index must find what comparing with all finds. */
  @Property(tries = 300)
  void theIndexFindsWhatComparingWithAllFinds(
      @ForAll @Size(max = 150)
          List<@Size(max = 12) List<@IntRange(min = 0, max = 12) Integer>> texts,
      @ForAll @IntRange(min = 1, max = 9) int tenths) {
    double threshold = tenths / 10.0;
    NearDuplicates index = new NearDuplicates(threshold);
    List<String> kept = new ArrayList<>();
    for (List<Integer> words : texts) {
      String text = String.join(" ", words.stream().map(w -> "w" + w).toList());
      Optional<String> expected =
          kept.stream().filter(k -> RougeL.f1(k, text) > threshold).findFirst();
      assertThat(index.nearDuplicate(text)).isEqualTo(expected);
      index.add(text);
      kept.add(text);
    }
    assertThat(index.size()).isEqualTo(kept.size());
  }
}
