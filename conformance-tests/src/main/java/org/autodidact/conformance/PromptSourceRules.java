package org.autodidact.conformance;

import java.util.ArrayList;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Set;
import org.autodidact.api.Prompt;
import org.autodidact.api.PromptSource;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** The rules of {@link PromptSource#prompts}. Extend it and provide a source. */
public abstract class PromptSourceRules extends Rules {
  private PromptSource source;

  /** A source to test: the same each time. */
  protected abstract PromptSource open();

  /** How many prompts it is asked for; it has at least three times as many. */
  protected int count() {
    return 4;
  }

  @BeforeEach
  final void openSource() {
    source = open();
  }

  private static String shown(int iteration, int count) {
    return "iteration " + iteration + ", count " + count;
  }

  private static List<Prompt> prompts(PromptSource source, int iteration, int count) {
    List<Prompt> prompts = new ArrayList<>();
    call(Rule.P1, shown(iteration, count), () -> prompts.addAll(source.prompts(iteration, count)));
    return prompts;
  }

  @Test
  public void P1_asManyPromptsAsAreAskedFor() {
    for (int iteration = 1; iteration <= 3; iteration++) {
      for (int count : new int[] {1, count()}) {
        List<Prompt> prompts = prompts(source, iteration, count);
        check(
            prompts.size() == count,
            Rule.P1,
            shown(iteration, count),
            count + " prompts",
            prompts.size() + " prompts");
        Set<String> ids = new LinkedHashSet<>();
        prompts.forEach(p -> ids.add(p.id()));
        check(
            ids.size() == count,
            Rule.P1,
            shown(iteration, count),
            "distinct ids",
            prompts.stream().map(Prompt::id).toList());
      }
    }
  }

  @Test
  public void P2_equalArgumentsGiveEqualPrompts() {
    List<List<Prompt>> forward = new ArrayList<>();
    for (int iteration = 1; iteration <= 3; iteration++) {
      forward.add(prompts(source, iteration, count()));
    }
    PromptSource other = open();
    for (int iteration = 3; iteration >= 1; iteration--) {
      for (PromptSource asked : List.of(source, other)) {
        List<Prompt> again = prompts(asked, iteration, count());
        check(
            again.equals(forward.get(iteration - 1)),
            Rule.P2,
            shown(iteration, count()) + ", asked again or of another source that is opened alike",
            ids(forward.get(iteration - 1)),
            ids(again));
      }
    }
  }

  private static String ids(List<Prompt> prompts) {
    return prompts.stream().map(Shown::of).toList().toString();
  }
}
