package org.autodidact.demo;

import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.BufferedWriter;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.List;
import java.util.Map;
import java.util.Random;
import java.util.Set;
import java.util.function.Predicate;
import java.util.stream.Stream;
import org.autodidact.api.StorageException;
import org.autodidact.api.TrainingExample.Demonstration;
import org.autodidact.demo.language.Task;
import org.autodidact.demo.recipe.Texts;

/** Writes what a user would bring: noisy IFT data, graded EFT data, prompts, a judge's template. */
final class DemoData {
  /** The judge's prompt in the small language. */
  static final String TEMPLATE = "grade : {instruction} answer : {response}";

  private static final ObjectMapper JSON = new ObjectMapper();

  /** Each criterion of an IFT answer is met with this probability, apart from what chance adds. */
  private static final double IFT_KEEP = 0.75;

  private static final long HELD_OUT_SEED = 0x4E1D;

  private DemoData() {}

  /** Files in {@code folder}: ift.jsonl, eft.jsonl, prompts.jsonl, judge.txt. */
  static void write(Path folder, DemoSettings settings) {
    if (Files.exists(folder.resolve("prompts.jsonl"))) {
      return; // a run that goes on keeps its data
    }
    Texts texts = new Texts(settings.seed());
    try {
      Files.createDirectories(folder);
      Files.writeString(folder.resolve("judge.txt"), TEMPLATE);
      try (BufferedWriter out = Files.newBufferedWriter(folder.resolve("ift.jsonl"))) {
        for (int i = 0; i < settings.iftExamples(); i++) {
          Demonstration d = texts.instructionFollowing(IFT_KEEP);
          line(out, "prompt", d.prompt().get(0).content(), "response", d.response().text());
        }
      }
      try (BufferedWriter out = Files.newBufferedWriter(folder.resolve("eft.jsonl"))) {
        for (int i = 0; i < settings.eftExamples(); i++) {
          Texts.Graded g = texts.graded();
          line(
              out,
              "instruction",
              g.instruction(),
              "response",
              g.response(),
              "judgement",
              g.judgement());
        }
      }
      try (BufferedWriter out = Files.newBufferedWriter(folder.resolve("prompts.jsonl"))) {
        int id = 0;
        for (Task task : prompts(settings)) {
          line(out, "id", "p" + id++, "prompt", task.instruction());
        }
      }
    } catch (IOException e) {
      throw new StorageException(folder + ": the demo's data cannot be written: " + e, e);
    }
  }

  /** Tasks that no prompt of any run asks for; the same for every seed. There are 2,400 in all. */
  static Set<Task> heldOut(int count) {
    Random random = new Random(HELD_OUT_SEED);
    Set<Task> tasks = new LinkedHashSet<>();
    while (tasks.size() < count) {
      tasks.add(Task.random(random));
    }
    return tasks;
  }

  /** All other tasks, drawn at random; one may be asked for twice. */
  private static List<Task> prompts(DemoSettings settings) {
    Random random = new Random(settings.seed() * 31 + 7);
    Set<Task> heldOut = heldOut(settings.heldOut());
    return Stream.generate(() -> Task.random(random))
        .filter(Predicate.not(heldOut::contains))
        .limit((long) settings.prompts() * settings.iterations())
        .toList();
  }

  private static void line(BufferedWriter out, String... keysAndValues) throws IOException {
    Map<String, String> row = new LinkedHashMap<>();
    for (int i = 0; i < keysAndValues.length; i += 2) {
      row.put(keysAndValues[i], keysAndValues[i + 1]);
    }
    out.write(JSON.writeValueAsString(row));
    out.newLine();
  }
}
