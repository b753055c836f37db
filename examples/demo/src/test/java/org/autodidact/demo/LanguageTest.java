package org.autodidact.demo;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Random;
import java.util.Set;
import org.autodidact.demo.language.Answer;
import org.autodidact.demo.language.Critique;
import org.autodidact.demo.language.Task;
import org.autodidact.demo.language.Words;
import org.autodidact.demo.recipe.Texts;
import org.autodidact.demo.verify.Verifier;
import org.autodidact.demo.verify.Verifier.Criterion;
import org.junit.jupiter.api.Test;

class LanguageTest {
  @Test
  void theVerifierKnowsEachCriterion() {
    Task task = new Task("animals", 4, "zebra", "thanks");
    assertThat(task.instruction())
        .isEqualTo("list four animals in order with zebra and end with thanks");
    assertThat(Verifier.met(task, "ant , bat , fox , zebra . thanks"))
        .containsExactly(Criterion.values());
    assertThat(Verifier.met(task, "ant , bat , oak , zebra . thanks"))
        .doesNotContain(Criterion.TOPIC);
    assertThat(Verifier.met(task, "ant , bat , zebra . thanks")).doesNotContain(Criterion.COUNT);
    assertThat(Verifier.met(task, "ant , bat , cat , fox . thanks"))
        .containsExactlyInAnyOrder(
            Criterion.TOPIC, Criterion.COUNT, Criterion.ORDER, Criterion.CLOSE);
    assertThat(Verifier.met(task, "bat , ant , fox , zebra . thanks"))
        .doesNotContain(Criterion.ORDER);
    assertThat(Verifier.met(task, "ant , ant , fox , zebra . thanks"))
        .doesNotContain(Criterion.ORDER);
    assertThat(Verifier.met(task, "ant , bat , fox , zebra . bye")).doesNotContain(Criterion.CLOSE);
    assertThat(Verifier.met(task, "")).isEmpty();
    assertThat(Verifier.met(task, "zebra"))
        .isEqualTo(Set.of(Criterion.TOPIC, Criterion.WORD, Criterion.ORDER));
  }

  /** The graded answers that M1 learns from are graded truly: two implementations agree. */
  @Test
  void theCritiquesOfTheRecipeAgreeWithTheVerifier() {
    Texts texts = new Texts(3);
    int[] seen = new int[6];
    for (int i = 0; i < 3000; i++) {
      Texts.Graded graded = texts.graded();
      Task task = Task.read(graded.instruction()).orElseThrow();
      int score = Verifier.score(task, graded.response());
      assertThat(graded.judgement()).as(graded.toString()).endsWith("score : " + score);
      seen[score]++;
    }
    assertThat(seen[5]).isPositive();
    assertThat(seen[2]).isPositive();
  }

  @Test
  void tasksAndAnswersAreReadAsTheyAreWritten() {
    Random random = new Random(1);
    Texts texts = new Texts(1);
    for (int i = 0; i < 200; i++) {
      Task task = Task.random(random);
      assertThat(Task.read(task.instruction())).contains(task);
      Answer answer = texts.noisyAnswer(task, 0.5);
      assertThat(Answer.read(answer.text())).isEqualTo(answer);
    }
    assertThat(Task.read("list all animals")).isEmpty();
    assertThat(Critique.of(new Task("animals", 2, "ant", "bye"), Answer.read("")))
        .isEqualTo(
            "topic : nothing no . count : none no . word : nothing no . order : nothing no ."
                + " close : nothing no . score : 0");
    Words.KINDS.values().forEach(things -> assertThat(things).isSorted().doesNotHaveDuplicates());
  }

  @Test
  void heldOutTasksAreNeverPrompts() {
    assertThat(DemoData.heldOut(100)).hasSize(100).isEqualTo(DemoData.heldOut(100));
  }
}
