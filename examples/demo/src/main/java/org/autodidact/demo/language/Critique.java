package org.autodidact.demo.language;

import java.util.List;

/**
 * A graded answer in words: each criterion with the evidence for its verdict, then the points.
 * "topic : all yes . count : three no . word : zebra yes . order : fox bat no . close : bye no .
 * score : 2".
 */
public final class Critique {
  private Critique() {}

  /** The whole critique. */
  public static String of(Task task, Answer answer) {
    List<String> parts =
        List.of(
            topic(task.kind(), answer.things()),
            count(task.count(), answer.things()),
            word(task.word(), answer.things()),
            order(answer.things()),
            close(task.closing(), answer.closing()));
    long points = parts.stream().filter(p -> p.endsWith(" yes .")).count();
    return String.join(" ", parts) + " score : " + points;
  }

  /** The first thing that is not of the kind, or all. */
  public static String topic(String kind, List<String> things) {
    String stranger =
        things.stream().filter(t -> !Words.KINDS.get(kind).contains(t)).findFirst().orElse("");
    return things.isEmpty()
        ? "topic : nothing no ."
        : "topic : " + (stranger.isEmpty() ? "all yes ." : stranger + " no .");
  }

  /** The critique of the number of things. */
  public static String count(int asked, List<String> things) {
    String seen = Words.NUMBERS.get(Math.min(things.size(), Words.NUMBERS.size() - 1));
    return "count : " + seen + verdict(things.size() == asked);
  }

  /** The word, or nothing. */
  public static String word(String word, List<String> things) {
    return things.contains(word) ? "word : " + word + " yes ." : "word : nothing no .";
  }

  /** The first two that are not in order, or all. */
  public static String order(List<String> things) {
    for (int i = 1; i < things.size(); i++) {
      if (things.get(i - 1).compareTo(things.get(i)) >= 0) {
        return "order : " + things.get(i - 1) + " " + things.get(i) + " no .";
      }
    }
    return things.isEmpty() ? "order : nothing no ." : "order : all yes .";
  }

  /** The critique of the closing word. */
  public static String close(String asked, String closing) {
    String seen = Words.CLOSINGS.contains(closing) ? closing : "nothing";
    return "close : " + seen + verdict(closing.equals(asked));
  }

  private static String verdict(boolean met) {
    return met ? " yes ." : " no .";
  }
}
