package org.autodidact.onnxruntime.batching;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import org.autodidact.onnxruntime.backend.DecoderSession;

/**
 * What waits to enter a batch: the longest first, and prompts that begin alike one after another.
 * Thread-safe.
 */
public final class AdmissionQueue {
  /** Tokens that prompts must have in common for the computing of them to be shared. */
  public static final int WORTH_SHARING = 64;

  private final Deque<Admission> waiting = new ArrayDeque<>();
  private final int common;
  private final boolean alike;

  /**
   * @param jobs what is to be done, at least one; all with the same {@link GenerationJob#common()}
   * @param rows candidates of one job that can be in a batch together
   */
  public AdmissionQueue(List<GenerationJob> jobs, int rows) {
    List<GenerationJob> sorted = new ArrayList<>(jobs);
    sorted.sort((a, b) -> Arrays.compare(a.promptTokens(), b.promptTokens()));
    int[] first = sorted.get(0).promptTokens();
    int[] last = sorted.get(sorted.size() - 1).promptTokens();
    this.common = jobs.get(0).common().size();
    this.alike = common > 0 || (sorted.size() > 1 && alike(first, last) >= WORTH_SHARING);
    List<List<GenerationJob>> clusters = new ArrayList<>();
    int[] previous = new int[0];
    for (GenerationJob job : sorted) {
      boolean sibling = alike(previous, job.promptTokens()) >= Math.max(WORTH_SHARING, common + 8);
      if (!sibling) {
        clusters.add(new ArrayList<>());
      }
      clusters.get(clusters.size() - 1).add(job);
      previous = job.promptTokens();
    }
    clusters.sort(Comparator.comparingInt(AdmissionQueue::longest).reversed());
    for (List<GenerationJob> cluster : clusters) {
      cluster.sort(Comparator.comparingInt(GenerationJob::places).reversed());
      for (GenerationJob job : cluster) {
        int count = job.request().seeds().size();
        for (int from = 0; from < count; from += rows) {
          waiting.add(new Admission(job, from, Math.min(rows, count - from)));
        }
      }
    }
  }

  private static int longest(List<GenerationJob> cluster) {
    return cluster.stream().mapToInt(GenerationJob::places).max().orElseThrow();
  }

  /** Tokens with which both begin. */
  public static int alike(int[] a, int[] b) {
    int difference = Arrays.mismatch(a, b);
    return difference < 0 ? a.length : difference;
  }

  /** Tokens that need not be computed for one of two texts after the other. */
  public static int shared(int[] a, int[] b) {
    int most = Math.min(a.length, b.length) - DecoderSession.TAIL;
    return Math.max(0, Math.min(alike(a, b), most));
  }

  /** Whether all prompts begin alike, so that one after another can go on from there. */
  public boolean alike() {
    return alike;
  }

  /** How many tokens of all prompts are a template's. */
  public int common() {
    return common;
  }

  /**
   * Takes the next ones that fit.
   *
   * @param rows candidates for which there is room
   * @param groups prompts for which there is room
   * @param tokens prompt tokens of all together, padding included; a longer prompt goes alone
   */
  synchronized List<Admission> take(int rows, int groups, int tokens) {
    List<Admission> taken = new ArrayList<>();
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
