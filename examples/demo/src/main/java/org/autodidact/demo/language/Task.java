package org.autodidact.demo.language;

import java.util.List;
import java.util.Optional;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A task: "list four animals in order with zebra and end with thanks".
 *
 * @param kind a kind of {@link Words#KINDS}
 * @param count two to six
 * @param word a thing of the kind that has to be in the list
 * @param closing a word of {@link Words#CLOSINGS}
 */
public record Task(String kind, int count, String word, String closing) {
  private static final Pattern FORM =
      Pattern.compile("list (\\w+) (\\w+) in order with (\\w+) and end with (\\w+)");

  /** A task drawn at random. */
  public static Task random(Random random) {
    List<String> kinds = List.copyOf(Words.KINDS.keySet());
    String kind = pick(random, kinds);
    return new Task(
        kind,
        2 + random.nextInt(5),
        pick(random, Words.KINDS.get(kind)),
        pick(random, Words.CLOSINGS));
  }

  /** Reads an instruction; empty where it is not one of this language. */
  public static Optional<Task> read(String instruction) {
    Matcher m = FORM.matcher(instruction);
    return m.matches() && Words.KINDS.containsKey(m.group(2))
        ? Optional.of(
            new Task(m.group(2), Words.NUMBERS.indexOf(m.group(1)), m.group(3), m.group(4)))
        : Optional.empty();
  }

  /** The instruction. */
  public String instruction() {
    return "list "
        + Words.NUMBERS.get(count)
        + " "
        + kind
        + " in order with "
        + word
        + " and end with "
        + closing;
  }

  static <T> T pick(Random random, List<T> from) {
    return from.get(random.nextInt(from.size()));
  }
}
