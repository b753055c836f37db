package org.autodidact.onnxruntime;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;

/**
 * What waits to enter a batch: the longest first, and prompts that begin alike one after another.
 * Thread-safe.
 */
final class WaitingShares {
  /** Tokens that prompts must have in common for the computing of them to be shared. */
  static final int WORTH_SHARING = 64;

  private final Deque<Share> waiting = new ArrayDeque<>();
  private final int common;
  private final boolean alike;

  /**
   * @param jobs what is to be done, at least one; all with the same {@link Job#common()}
   * @param rows candidates of one job that can be in a batch together
   */
  WaitingShares(List<Job> jobs, int rows) {
    List<Job> sorted = new ArrayList<>(jobs);
    sorted.sort((a, b) -> Arrays.compare(a.promptTokens(), b.promptTokens()));
    int[] first = sorted.get(0).promptTokens();
    int[] last = sorted.get(sorted.size() - 1).promptTokens();
    this.common = jobs.get(0).common().size();
    this.alike = common > 0 || (sorted.size() > 1 && alike(first, last) >= WORTH_SHARING);
    List<List<Job>> clusters = new ArrayList<>();
    int[] previous = new int[0];
    for (Job job : sorted) {
      boolean sibling = alike(previous, job.promptTokens()) >= Math.max(WORTH_SHARING, common + 8);
      if (!sibling) {
        clusters.add(new ArrayList<>());
      }
      clusters.get(clusters.size() - 1).add(job);
      previous = job.promptTokens();
    }
    clusters.sort(Comparator.comparingInt(WaitingShares::longest).reversed());
    for (List<Job> cluster : clusters) {
      cluster.sort(Comparator.comparingInt(Job::places).reversed());
      for (Job job : cluster) {
        int count = job.request().seeds().size();
        for (int from = 0; from < count; from += rows) {
          waiting.add(new Share(job, from, Math.min(rows, count - from)));
        }
      }
    }
  }

  private static int longest(List<Job> cluster) {
    return cluster.stream().mapToInt(Job::places).max().orElseThrow();
  }

  /** Tokens with which both begin. */
  static int alike(int[] a, int[] b) {
    int difference = Arrays.mismatch(a, b);
    return difference < 0 ? a.length : difference;
  }

  /** Tokens that need not be computed for one of two texts after the other. */
  static int shared(int[] a, int[] b) {
    int most = Math.min(a.length, b.length) - DecoderStream.TAIL;
    return Math.max(0, Math.min(alike(a, b), most));
  }

  /** Whether all prompts begin alike, so that one after another can go on from there. */
  boolean alike() {
    return alike;
  }

  /** How many tokens of all prompts are a template's. */
  int common() {
    return common;
  }

  /**
   * Takes the next ones that fit.
   *
   * @param rows candidates for which there is room
   * @param groups prompts for which there is room
   * @param tokens prompt tokens of all together, padding included; a longer prompt goes alone
   */
  synchronized List<Share> take(int rows, int groups, int tokens) {
    List<Share> taken = new ArrayList<>();
    int free = rows;
    int width = 0;
    while (!waiting.isEmpty() && waiting.peek().count() <= free && taken.size() < groups) {
      width = Math.max(width, waiting.peek().tokens().length);
      if (!taken.isEmpty() && (taken.size() + 1) * width > tokens) {
        break;
      }
      free -= waiting.peek().count();
      taken.add(waiting.poll());
    }
    return taken;
  }
}
