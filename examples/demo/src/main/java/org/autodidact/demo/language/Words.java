package org.autodidact.demo.language;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * Every word there is: eight kinds of twelve things, numbers, closing words, and what joins them.
 */
public final class Words {
  /** Kinds of things; the things in alphabetical order. */
  public static final Map<String, List<String>> KINDS = kinds();

  /** Numbers from 0; lists have two to six things. */
  public static final List<String> NUMBERS =
      List.of("none", "one", "two", "three", "four", "five", "six", "seven");

  /** The ends that a task may ask for. */
  public static final List<String> CLOSINGS = List.of("thanks", "bye", "cheers", "enjoy", "amen");

  /** All other words and marks. */
  public static final List<String> OTHERS =
      List.of(
          ",", ".", ":", "list", "in", "order", "with", "and", "end", "grade", "answer", "topic",
          "count", "word", "close", "score", "all", "yes", "no", "nothing", "0", "1", "2", "3", "4",
          "5");

  private Words() {}

  private static Map<String, List<String>> kinds() {
    Map<String, List<String>> kinds = new LinkedHashMap<>();
    put(kinds, "animals", "ant bat cat dog eel fox goat hen ibex jay lion zebra");
    put(kinds, "fruits", "apple banana cherry date fig grape kiwi lemon mango orange peach plum");
    put(kinds, "trees", "ash beech cedar elm fir maple oak palm pine poplar willow yew");
    put(kinds, "colours", "amber black blue brown green grey pink purple red silver white yellow");
    put(kinds, "tools", "axe chisel drill file hammer knife lever pliers rake saw shovel wrench");
    put(kinds, "foods", "bread butter cake cheese egg honey jam milk pasta rice soup toast");
    put(
        kinds,
        "cities",
        "athens berlin cairo delhi lima london madrid oslo paris rome tokyo vienna");
    put(
        kinds,
        "jobs",
        "actor baker clerk dentist farmer guard hunter miner nurse pilot sailor tailor");
    return Collections.unmodifiableMap(kinds);
  }

  private static void put(Map<String, List<String>> kinds, String kind, String things) {
    kinds.put(kind, List.of(things.split(" ")));
  }
}
