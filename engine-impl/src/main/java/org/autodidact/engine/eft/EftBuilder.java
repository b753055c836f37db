package org.autodidact.engine.eft;

import java.util.ArrayList;
import java.util.Collections;
import java.util.HashMap;
import java.util.HashSet;
import java.util.List;
import java.util.Map;
import java.util.OptionalDouble;
import java.util.Random;
import java.util.Set;
import java.util.TreeMap;
import java.util.stream.IntStream;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Judge;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.engine.data.RankedInstruction;
import org.autodidact.engine.data.RankedInstruction.Answer;
import org.autodidact.engine.seeds.Seeds;

/** Makes EFT examples from ranked answers (paper, section 3.1.1). */
public final class EftBuilder {
  private EftBuilder() {}

  /**
   * The paper's way: a model judges every answer {@code samples} times; of an instruction the first
   * sample is kept whose scores {@linkplain #agree agree} with the ranking. Samples of a judge that
   * writes nothing are never kept.
   */
  public static List<EftExample> fromJudge(
      List<RankedInstruction> ranked,
      Judge judge,
      int samples,
      long seed,
      Cancellation cancellation) {
    List<JudgementRequest> requests = new ArrayList<>();
    for (int i = 0; i < ranked.size(); i++) {
      for (int k = 0; k < ranked.get(i).answers().size(); k++) {
        requests.add(
            new JudgementRequest(
                i + "/" + k,
                ranked.get(i).instruction(),
                ranked.get(i).answers().get(k).text(),
                Seeds.list(samples, Seeds.of(seed, i, k))));
      }
    }
    Map<String, Judgement> found = new HashMap<>();
    judge.judge(requests, j -> found.put(j.id(), j), cancellation);
    List<EftExample> examples = new ArrayList<>();
    for (int i = 0; i < ranked.size(); i++) {
      int instruction = i;
      List<List<JudgementSample>> byAnswer =
          IntStream.range(0, ranked.get(i).answers().size())
              .mapToObj(k -> found.get(instruction + "/" + k).samples())
              .toList();
      for (int n = 0; n < samples; n++) {
        int sample = n;
        if (byAnswer.stream().allMatch(s -> s.size() > sample && !s.get(sample).text().isEmpty())) {
          List<JudgementSample> set = byAnswer.stream().map(s -> s.get(sample)).toList();
          if (agree(ranked.get(i).answers(), set.stream().map(s -> s.score()).toList())) {
            examples.addAll(examples(ranked.get(i), set));
            break;
          }
        }
      }
    }
    return examples;
  }

  private static List<EftExample> examples(
      RankedInstruction ranked, List<JudgementSample> judgements) {
    return IntStream.range(0, judgements.size())
        .mapToObj(
            k ->
                new EftExample(
                    ranked.instruction(),
                    ranked.answers().get(k).text(),
                    judgements.get(k).text().strip(),
                    judgements.get(k).score().getAsDouble()))
        .toList();
  }

  /**
   * Whether scores agree with a ranking: all are there, no better answer has the lower score, and
   * at least one has the higher.
   */
  static boolean agree(List<Answer> answers, List<OptionalDouble> scores) {
    if (scores.stream().anyMatch(OptionalDouble::isEmpty)) {
      return false;
    }
    boolean any = false;
    for (int i = 0; i < answers.size(); i++) {
      for (int j = 0; j < answers.size(); j++) {
        if (answers.get(i).quality() > answers.get(j).quality()) {
          double difference = scores.get(i).getAsDouble() - scores.get(j).getAsDouble();
          if (difference < 0) {
            return false;
          }
          any |= difference > 0;
        }
      }
    }
    return any;
  }

  /**
   * For a model that writes no judgements yet: the ranking itself says the score, from 1 for the
   * worst of an instruction's answers to 5 for the best, and nothing justifies it. It says how good
   * an answer is among those, not by itself.
   */
  public static List<EftExample> fromRanking(List<RankedInstruction> ranked) {
    List<EftExample> examples = new ArrayList<>();
    for (RankedInstruction one : ranked) {
      for (Answer answer : one.answers()) {
        long score = score(answer, one.answers());
        examples.add(
            new EftExample(one.instruction(), answer.text(), "Score: " + score, (double) score));
      }
    }
    return examples;
  }

  /** 1 to 5 by the share of the other answers that this one is better than; equal ones are half. */
  static long score(Answer answer, List<Answer> all) {
    double better = -0.5; // itself
    for (Answer other : all) {
      better +=
          answer.quality() > other.quality() ? 1 : answer.quality() == other.quality() ? 0.5 : 0;
    }
    return Math.round(1 + 4 * better / (all.size() - 1));
  }

  /**
   * The examples without some of the most common score, so that it is no more common than the next.
   */
  public static List<EftExample> balanced(List<EftExample> examples, long seed) {
    Map<Double, Integer> counts = counts(examples);
    if (counts.size() < 2) {
      return examples;
    }
    double most =
        Collections.max(counts.entrySet(), Map.Entry.<Double, Integer>comparingByValue()).getKey();
    int next =
        counts.entrySet().stream()
            .filter(e -> e.getKey() != most)
            .mapToInt(Map.Entry::getValue)
            .max()
            .orElseThrow();
    List<Integer> indices =
        new ArrayList<>(
            IntStream.range(0, examples.size())
                .filter(i -> examples.get(i).score() == most)
                .boxed()
                .toList());
    Collections.shuffle(indices, new Random(seed));
    Set<Integer> dropped = new HashSet<>(indices.subList(next, indices.size()));
    return IntStream.range(0, examples.size())
        .filter(i -> !dropped.contains(i))
        .mapToObj(examples::get)
        .toList();
  }

  /** The number of examples by score. */
  public static Map<Double, Integer> counts(List<EftExample> examples) {
    Map<Double, Integer> counts = new TreeMap<>();
    examples.forEach(e -> counts.merge(e.score(), 1, Integer::sum));
    return counts;
  }
}
