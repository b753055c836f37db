package org.autodidact.gpu.decode;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.Deque;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.Cancellation;
import org.autodidact.onnxruntime.batching.GenerationJob;

/**
 * Lets waiting sequences enter free slots, with the keys and values of their prompts: what the slot
 * still has of a sequence of the same prompt, a copy from another's slot, or a prefill, one for
 * those that enter together.
 */
record SlotAdmission(SlotBatch slots, Prefiller prefiller) {
  void admit(Deque<DecodedSequence> waiting, Cancellation cancellation) {
    List<Integer> free = slots.free();
    List<DecodedSequence> others = new ArrayList<>();
    for (int left = Math.min(free.size(), waiting.size()); left > 0; left--) {
      DecodedSequence sequence = waiting.remove();
      Optional<Integer> own =
          free.stream().filter(slot -> slots.holds(slot, sequence.job())).findFirst();
      if (own.isPresent()) {
        free.remove(own.get());
        slots.enter(own.get(), sequence);
      } else {
        others.add(sequence);
      }
    }
    Map<GenerationJob, List<Integer>> prefilled = new LinkedHashMap<>();
    for (DecodedSequence sequence : others) {
      GenerationJob job = sequence.job();
      int slot = free.remove(0);
      Optional<Integer> sibling =
          prefilled.containsKey(job) ? Optional.empty() : slots.occupiedBy(job);
      slots.enter(slot, sequence);
      if (sibling.isPresent()) {
        slots.cache().copy(sibling.get(), slots.cache(), slot, prefix(job).length);
      } else {
        prefilled.computeIfAbsent(job, j -> new ArrayList<>()).add(slot);
      }
    }
    prefill(prefilled, cancellation);
  }

  /** All tokens of a prompt but the last one are prefilled; that one is the first step's. */
  private static int[] prefix(GenerationJob job) {
    return Arrays.copyOf(job.promptTokens(), job.promptTokens().length - 1);
  }

  private void prefill(Map<GenerationJob, List<Integer>> slotsOfJobs, Cancellation cancellation) {
    Map<List<Integer>, List<GenerationJob>> byTemplate = new LinkedHashMap<>();
    for (GenerationJob job : slotsOfJobs.keySet()) {
      if (job.promptTokens().length > 1) {
        byTemplate.computeIfAbsent(job.templatePrefix(), t -> new ArrayList<>()).add(job);
      }
    }
    byTemplate.forEach(
        (template, jobs) -> {
          List<int[]> texts = jobs.stream().map(SlotAdmission::prefix).toList();
          prefiller.fill(
              texts,
              template.stream().mapToInt(t -> t).toArray(),
              cancellation,
              (text, cache, filled) -> {
                for (int slot : slotsOfJobs.get(jobs.get(text))) {
                  cache.copy(filled, slots.cache(), slot, texts.get(text).length);
                }
              });
        });
  }
}
