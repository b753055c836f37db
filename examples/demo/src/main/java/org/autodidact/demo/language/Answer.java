package org.autodidact.demo.language;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;

/**
 * An answer's parts: "ant , bat , zebra . thanks" lists three things and ends with thanks.
 *
 * @param things what is listed, in the order written
 * @param closing the words after the first full stop
 */
public record Answer(List<String> things, String closing) {
  public Answer {
    things = List.copyOf(things);
  }

  /** Reads any text. */
  public static Answer read(String text) {
    int stop = text.indexOf('.');
    String list = stop < 0 ? text : text.substring(0, stop);
    List<String> things = new ArrayList<>();
    Arrays.stream(list.split(","))
        .map(String::strip)
        .filter(s -> !s.isEmpty())
        .forEach(things::add);
    return new Answer(things, stop < 0 ? "" : text.substring(stop + 1).strip());
  }

  /** The answer in the words of the language. */
  public String text() {
    return String.join(" , ", things) + (closing.isEmpty() ? " ." : " . " + closing);
  }
}
