package org.autodidact.conformance;

import java.util.ArrayList;
import java.util.Comparator;
import java.util.HashSet;
import java.util.List;
import java.util.Random;
import java.util.Set;
import java.util.function.Consumer;
import java.util.stream.Collectors;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Candidate;
import org.autodidact.api.FinishReason;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.SamplingParameters;

/** Writes random letters and keeps every rule but {@code broken}. */
final class BreakableGenerator implements Generator {
  private final String broken;

  BreakableGenerator(String broken) {
    this.broken = broken;
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    if (!broken.equals("G5")) {
      cancellation.throwIfCancelled();
    }
    Set<String> ids = new HashSet<>();
    for (GenerationRequest request : requests) {
      if (!ids.add(request.prompt().id()) && !broken.equals("G10")) {
        throw new InvalidInputException("prompt id '" + request.prompt().id() + "' occurs twice");
      }
    }
    if (requests.isEmpty() && broken.equals("G9")) {
      results.accept(new Generation("surprise", List.of(), List.of()));
    }
    for (GenerationRequest request : requests) {
      List<Candidate> candidates = new ArrayList<>();
      for (long seed : request.seeds()) {
        candidates.add(candidate(request, seed, requests.size()));
      }
      if (broken.equals("G2")) {
        candidates.sort(Comparator.comparingLong(Candidate::seed));
      }
      try {
        results.accept(new Generation(request.prompt().id(), List.of(1), candidates));
      } catch (IllegalStateException e) {
        throw broken.equals("G6") ? new IllegalArgumentException(e) : e;
      }
      if (broken.equals("G1")) {
        return;
      }
      if (!broken.equals("G5")) {
        cancellation.throwIfCancelled();
      }
    }
  }

  private Candidate candidate(GenerationRequest request, long seed, int batch) {
    SamplingParameters sampling = request.sampling();
    boolean greedy = sampling.temperature() == 0 && !broken.equals("G7");
    long start = request.prompt().instruction().hashCode() + (greedy ? 0 : seed * 31);
    Random random = new Random(broken.equals("G3") ? start + batch : start);
    List<Integer> tokens = new ArrayList<>();
    int most = broken.equals("G4") ? sampling.maxTokens() + 1 : sampling.maxTokens();
    FinishReason reason = FinishReason.MAX_TOKENS;
    while (tokens.size() < most) {
      if (!sampling.ignoreEndOfText() && random.nextInt(20) == 0) {
        reason = FinishReason.END_OF_TEXT;
        break;
      }
      tokens.add('a' + random.nextInt(26));
    }
    String text =
        tokens.stream().map(t -> Character.toString((char) (int) t)).collect(Collectors.joining());
    double logProbability = -tokens.size() * Math.log(26);
    return new Candidate(
        seed, text, tokens, broken.equals("G8") ? -logProbability + 1 : logProbability, reason);
  }

  @Override
  public void close() {}
}
