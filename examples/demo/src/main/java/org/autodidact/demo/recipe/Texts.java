package org.autodidact.demo.recipe;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.TreeSet;
import org.autodidact.api.Message;
import org.autodidact.api.TrainingExample.Demonstration;
import org.autodidact.demo.language.Answer;
import org.autodidact.demo.language.Critique;
import org.autodidact.demo.language.Task;
import org.autodidact.demo.language.Words;

/** The texts that the small model learns from, drawn at random. */
public final class Texts {
  private static final int CRITERIA = 5;
  private final Random random;

  public Texts(long seed) {
    this.random = new Random(seed);
  }

  private <T> T pick(List<T> from) {
    return from.get(random.nextInt(from.size()));
  }

  private String kind() {
    return pick(List.copyOf(Words.KINDS.keySet()));
  }

  private boolean chance(double p) {
    return random.nextDouble() < p;
  }

  /** So many things of a kind, in random order, none twice. */
  private List<String> things(String kind, int count) {
    List<String> all = new ArrayList<>(Words.KINDS.get(kind));
    Collections.shuffle(all, random);
    return new ArrayList<>(all.subList(0, count));
  }

  /** An answer that meets each criterion with this probability, apart from what chance adds. */
  public Answer noisyAnswer(Task task, double keep) {
    int count = chance(keep) ? task.count() : 1 + random.nextInt(7);
    List<String> things = things(task.kind(), count);
    if (chance(keep)) {
      if (!things.contains(task.word())) {
        things.set(random.nextInt(count), task.word());
      }
    } else {
      things.remove(task.word());
      if (things.size() < count) {
        List<String> others = new ArrayList<>(Words.KINDS.get(task.kind()));
        others.removeAll(things);
        others.remove(task.word());
        things.add(pick(others));
      }
    }
    if (!chance(keep)) {
      String other = kind();
      if (!other.equals(task.kind())) {
        things.set(random.nextInt(things.size()), pick(Words.KINDS.get(other)));
      }
    }
    if (chance(keep)) {
      things = new ArrayList<>(new TreeSet<>(things));
    }
    String closing = chance(keep) ? task.closing() : pick(Words.CLOSINGS);
    return new Answer(things, closing);
  }

  /** An instruction and an answer, good in parts: what people wrote. */
  public Demonstration instructionFollowing(double keep) {
    Task task = Task.random(random);
    return demonstration(task.instruction(), noisyAnswer(task, keep).text());
  }

  /** An instruction, an answer of any quality and its critique. */
  public Graded graded() {
    Task task = Task.random(random);
    Answer answer = noisyAnswer(task, 0.4 + 0.6 * random.nextDouble());
    return new Graded(task.instruction(), answer.text(), Critique.of(task, answer));
  }

  /** A row of EFT data. */
  public record Graded(String instruction, String response, String judgement) {}

  /**
   * The pre-training texts of the small model: labelled lists, repetitions, and remarks on one
   * thing at a time. No instruction is followed in them.
   */
  public Demonstration reading() {
    int what = random.nextInt(10);
    if (what < 3) {
      return labelledList();
    }
    return what < 5 ? repetition() : remark();
  }

  private Demonstration labelledList() {
    String kind = kind();
    List<String> things = things(kind, 1 + random.nextInt(7));
    if (chance(0.7)) {
      Collections.sort(things);
      return demonstration(kind + " in order", new Answer(things, "").text());
    }
    return demonstration(kind, new Answer(things, "").text());
  }

  private Demonstration repetition() {
    List<String> words = new ArrayList<>();
    int length = 1 + random.nextInt(8);
    for (int i = 0; i < length; i++) {
      words.add(
          chance(0.8)
              ? pick(Words.KINDS.get(kind()))
              : pick(chance(0.5) ? Words.CLOSINGS : Words.NUMBERS));
    }
    String text = String.join(" ", words);
    return demonstration(text, text);
  }

  private Demonstration remark() {
    Task task = Task.random(random);
    Answer answer = noisyAnswer(task, 0.6);
    String rest = " answer : " + answer.text();
    return switch (random.nextInt(CRITERIA)) {
      case 0 -> demonstration(task.kind() + rest, Critique.topic(task.kind(), answer.things()));
      case 1 ->
          demonstration(
              Words.NUMBERS.get(task.count()) + rest,
              Critique.count(task.count(), answer.things()));
      case 2 ->
          demonstration("with " + task.word() + rest, Critique.word(task.word(), answer.things()));
      case 3 -> demonstration("in order" + rest, Critique.order(answer.things()));
      default ->
          demonstration(
              "end with " + task.closing() + rest,
              Critique.close(task.closing(), answer.closing()));
    };
  }

  private static Demonstration demonstration(String prompt, String response) {
    return new Demonstration(List.of(Message.user(prompt)), response);
  }
}
