package org.autodidact.onnxruntime.batching;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Comparator;
import java.util.Deque;
import java.util.List;
import org.autodidact.onnxruntime.backend.DecoderSession;

/**
 * Candidates that wait for a slot: the longest first, and prompts with a common prefix one after
 * another. Thread-safe.
 */
public final class AdmissionQueue {
  /** Tokens of a prefix from which computing it once for several texts pays (not measured). */
  public static final int MIN_SHARED_TOKENS = 64;

  /** Tokens beyond the template from which two prompts are siblings (not measured). */
  private static final int MIN_SHARED_BEYOND_TEMPLATE = 8;

  private final Deque<Admission> waiting = new ArrayDeque<>();
  private final int templateLength;
  private final boolean sharesPrefix;

  /**
   * @param jobs at least one; all with the same {@link GenerationJob#templatePrefix()}
   * @param slots candidates of one job that can be in a batch together
   */
  public AdmissionQueue(List<GenerationJob> jobs, int slots) {
    List<GenerationJob> sorted = new ArrayList<>(jobs);
    sorted.sort((a, b) -> Arrays.compare(a.promptTokens(), b.promptTokens()));
    int[] first = sorted.get(0).promptTokens();
    int[] last = sorted.get(sorted.size() - 1).promptTokens();
    this.templateLength = jobs.get(0).templatePrefix().size();
    this.sharesPrefix =
        templateLength > 0 || (sorted.size() > 1 && commonPrefix(first, last) >= MIN_SHARED_TOKENS);
    int minCommon = Math.max(MIN_SHARED_TOKENS, templateLength + MIN_SHARED_BEYOND_TEMPLATE);
    List<List<GenerationJob>> clusters = new ArrayList<>();
    int[] previous = new int[0];
    for (GenerationJob job : sorted) {
      if (commonPrefix(previous, job.promptTokens()) < minCommon) {
        clusters.add(new ArrayList<>());
      }
      clusters.get(clusters.size() - 1).add(job);
      previous = job.promptTokens();
    }
    clusters.sort(Comparator.comparingInt(AdmissionQueue::longest).reversed());
    for (List<GenerationJob> cluster : clusters) {
      cluster.sort(Comparator.comparingInt(GenerationJob::maxLength).reversed());
      for (GenerationJob job : cluster) {
        int count = job.request().seeds().size();
        for (int from = 0; from < count; from += slots) {
          waiting.add(new Admission(job, from, Math.min(slots, count - from)));
        }
      }
    }
  }

  private static int longest(List<GenerationJob> cluster) {
    return cluster.stream().mapToInt(GenerationJob::maxLength).max().orElseThrow();
  }

  /** Tokens that both begin with. */
  public static int commonPrefix(int[] a, int[] b) {
    int difference = Arrays.mismatch(a, b);
    return difference < 0 ? a.length : difference;
  }

  /** Tokens that need not be computed for one of two texts after the other. */
  public static int reusablePrefix(int[] a, int[] b) {
    int most = Math.min(a.length, b.length) - DecoderSession.UNSHARED_TAIL;
    return Math.max(0, Math.min(commonPrefix(a, b), most));
  }

  /** Whether all prompts have a common prefix that is worth computing once. */
  public boolean sharesPrefix() {
    return sharesPrefix;
  }

  /** First tokens of all prompts that are a template's. */
  public int templateLength() {
    return templateLength;
  }

  /**
   * Takes the next admissions that fit.
   *
   * @param slots free slots for candidates
   * @param prompts free slots for prompts
   * @param tokens prompt tokens at most, padding included; a longer prompt goes alone
   */
  synchronized List<Admission> take(int slots, int prompts, int tokens) {
    List<Admission> taken = new ArrayList<>();
    int free = slots;
    int width = 0;
    while (!waiting.isEmpty() && waiting.peek().count() <= free && taken.size() < prompts) {
      width = Math.max(width, waiting.peek().promptTokens().length);
      if (!taken.isEmpty() && (taken.size() + 1) * width > tokens) {
        break;
      }
      free -= waiting.peek().count();
      taken.add(waiting.poll());
    }
    return taken;
  }
}
