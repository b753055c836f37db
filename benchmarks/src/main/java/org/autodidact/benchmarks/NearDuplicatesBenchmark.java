package org.autodidact.benchmarks;

import java.util.ArrayList;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import org.autodidact.engine.text.NearDuplicates;

/**
 * The ROUGE-L filter of prompt creation on up to 100,000 made-up prompts: 5 to 60 words of a
 * vocabulary of 50,000 by Zipf's law, a tenth of them an earlier one with a few words changed.
 * Prints a line for each size: seconds, how many were alike, how many pairs were compared.
 */
public final class NearDuplicatesBenchmark {
  private static final int VOCABULARY = 50_000;
  private static final double THRESHOLD = 0.7;

  private NearDuplicatesBenchmark() {}

  public static void main(String[] arguments) {
    List<String> prompts = prompts(100_000);
    filter(prompts.subList(0, 5_000)); // warm
    for (int size : new int[] {12_500, 25_000, 50_000, 100_000}) {
      filter(prompts.subList(0, size));
    }
  }

  private static void filter(List<String> prompts) {
    NearDuplicates kept = new NearDuplicates(THRESHOLD);
    long start = System.nanoTime();
    int alike = 0;
    for (String prompt : prompts) {
      if (kept.nearDuplicate(prompt).isPresent()) {
        alike++;
      } else {
        kept.add(prompt);
      }
    }
    System.out.printf(
        Locale.ROOT,
        "{\"prompts\": %d, \"seconds\": %.2f, \"alike\": %d, \"compared\": %d, \"pairs\": %d}%n",
        prompts.size(),
        (System.nanoTime() - start) / 1e9,
        alike,
        kept.compared(),
        prompts.size() * (prompts.size() - 1L) / 2);
  }

  private static List<String> prompts(int count) {
    double[] upTo = new double[VOCABULARY];
    double sum = 0;
    for (int i = 0; i < VOCABULARY; i++) {
      sum += 1.0 / (i + 2.7);
      upTo[i] = sum;
    }
    Random random = new Random(1);
    List<String> prompts = new ArrayList<>();
    for (int n = 0; n < count; n++) {
      String[] words;
      if (n > 100 && random.nextInt(10) == 0) {
        words = prompts.get(random.nextInt(n)).split(" ");
        for (int k = random.nextInt(6); k >= 0; k--) {
          words[random.nextInt(words.length)] = word(random, upTo);
        }
      } else {
        words = new String[5 + random.nextInt(56)];
        for (int i = 0; i < words.length; i++) {
          words[i] = word(random, upTo);
        }
      }
      prompts.add(String.join(" ", words));
    }
    return prompts;
  }

  private static String word(Random random, double[] upTo) {
    int at = java.util.Arrays.binarySearch(upTo, random.nextDouble() * upTo[upTo.length - 1]);
    return "w" + (at < 0 ? -at - 1 : at);
  }
}
