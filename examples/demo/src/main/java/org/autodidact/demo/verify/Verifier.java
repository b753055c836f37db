package org.autodidact.demo.verify;

import java.util.EnumSet;
import java.util.List;
import java.util.Set;
import java.util.stream.IntStream;
import org.autodidact.demo.language.Answer;
import org.autodidact.demo.language.Task;
import org.autodidact.demo.language.Words;

/**
 * The truth about an answer, by rule: one point a criterion. Training never sees it: no class of
 * the engine or of a plugin depends on this package, which an architecture test holds.
 */
public final class Verifier {
  /** The criteria, a point each. */
  public enum Criterion {
    /** All things are of the kind. */
    TOPIC,
    /** The answer has as many things as the task asks for. */
    COUNT,
    /** The word is among them. */
    WORD,
    /** They are in alphabetical order, and none twice. */
    ORDER,
    /** It ends as asked for. */
    CLOSE
  }

  private Verifier() {}

  /** The criteria that an answer meets. */
  public static Set<Criterion> met(Task task, String text) {
    Answer answer = Answer.read(text);
    List<String> things = answer.things();
    Set<Criterion> met = EnumSet.noneOf(Criterion.class);
    if (!things.isEmpty() && Words.KINDS.get(task.kind()).containsAll(things)) {
      met.add(Criterion.TOPIC);
    }
    if (things.size() == task.count()) {
      met.add(Criterion.COUNT);
    }
    if (things.contains(task.word())) {
      met.add(Criterion.WORD);
    }
    if (!things.isEmpty()
        && IntStream.range(1, things.size())
            .allMatch(i -> things.get(i - 1).compareTo(things.get(i)) < 0)) {
      met.add(Criterion.ORDER);
    }
    if (answer.closing().equals(task.closing())) {
      met.add(Criterion.CLOSE);
    }
    return met;
  }

  /** Points of five. */
  public static int score(Task task, String text) {
    return met(task, text).size();
  }
}
