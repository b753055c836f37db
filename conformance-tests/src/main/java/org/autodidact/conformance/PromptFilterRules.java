package org.autodidact.conformance;

import java.util.ArrayList;
import java.util.List;
import org.autodidact.api.PromptFilter;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The rules of {@link PromptFilter#accepts}. Extend it and provide a filter. */
public abstract class PromptFilterRules extends Rules {
  private PromptFilter filter;

  /** A filter to test. */
  protected abstract PromptFilter create();

  /** Texts that the filter is asked about: some that it keeps and some that it does not. */
  protected abstract List<String> texts();

  @BeforeEach
  final void createFilter() {
    filter = create();
  }

  private static boolean accepts(PromptFilter filter, String text, Rule rule) {
    List<Boolean> answer = new ArrayList<>();
    call(rule, Shown.text(text), () -> answer.add(filter.accepts(text)));
    return answer.get(0);
  }

  @Test
  public void F1_theAnswerDependsOnTheTextAlone() {
    List<String> texts = texts();
    List<Boolean> forward = texts.stream().map(t -> accepts(filter, t, Rule.F1)).toList();
    check(
        forward.contains(true) && forward.contains(false),
        Rule.F1,
        texts,
        "some that are kept and some that are not",
        forward);
    PromptFilter other = create();
    for (int i = texts.size() - 1; i >= 0; i--) {
      for (PromptFilter asked : List.of(filter, other)) {
        boolean again = accepts(asked, texts.get(i), Rule.F1);
        check(
            again == forward.get(i),
            Rule.F1,
            Shown.text(texts.get(i)) + ", asked again or of another filter with the same settings",
            "" + forward.get(i),
            again);
      }
    }
  }

  @Test
  public void F2_everyTextIsAnswered() {
    for (String text :
        List.of(
            "",
            " ",
            "\n\n",
            "word ".repeat(20_000),
            "\u0000\u001b[2J",
            "\ud83d",
            "Wie spät ist es? 今何時ですか? كم الساعة؟")) {
      accepts(filter, text, Rule.F2);
    }
  }
}
