package org.autodidact.conformance;

import java.util.ArrayList;
import java.util.Collections;
import java.util.Comparator;
import java.util.EnumSet;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
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
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Scorer;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;

/** Writes random letters and keeps every rule but {@code broken}. */
final class BreakableGenerator implements Generator, Scorer {
  static final Set<GeneratorCapability> CAPABILITIES =
      EnumSet.complementOf(
          EnumSet.of(GeneratorCapability.REPETITION_PENALTY, GeneratorCapability.MODEL_REFERENCES));

  private final Set<String> broken;

  BreakableGenerator(String... broken) {
    this.broken = Set.of(broken);
  }

  private boolean breaks(String rule) {
    return broken.contains(rule);
  }

  @Override
  public void generate(
      List<GenerationRequest> requests, Consumer<Generation> results, Cancellation cancellation) {
    if (!breaks("G5")) {
      cancellation.throwIfCancelled();
    }
    Set<String> ids = new HashSet<>();
    for (GenerationRequest request : requests) {
      if (!ids.add(request.prompt().id()) && !breaks("G10")) {
        throw new InvalidInputException("prompt id '" + request.prompt().id() + "' occurs twice");
      }
    }
    if (requests.isEmpty() && breaks("G9")) {
      results.accept(new Generation("surprise", List.of(), List.of()));
    }
    for (GenerationRequest request : requests) {
      List<Candidate> candidates = new ArrayList<>();
      for (long seed : request.seeds()) {
        candidates.add(candidate(request, seed, requests.size()));
      }
      if (breaks("G2")) {
        candidates.sort(Comparator.comparingLong(Candidate::seed));
      }
      if (breaks("G2-one")) {
        candidates.subList(1, candidates.size()).clear();
      }
      Generation generation =
          new Generation(request.prompt().id(), promptTokens(request), candidates);
      try {
        if (breaks("G1-thread")) {
          OtherThread.run(() -> results.accept(generation));
        } else {
          results.accept(generation);
        }
      } catch (IllegalStateException e) {
        throw breaks("G6") ? new IllegalArgumentException(e) : e;
      }
      if (breaks("G1")) {
        return;
      }
      if (!breaks("G5")) {
        cancellation.throwIfCancelled();
      }
    }
  }

  private List<Integer> promptTokens(GenerationRequest request) {
    return breaks("G15")
        ? List.of(-5)
        : request.prompt().messages().stream().flatMap(m -> m.content().chars().boxed()).toList();
  }

  private Candidate candidate(GenerationRequest request, long seed, int batch) {
    SamplingParameters sampling = request.sampling();
    boolean mostLikely =
        sampling.temperature() == 0 && !breaks("G7")
            || sampling.topP() < 0.01 && !breaks("G13-top-p")
            || sampling.topK() == 1 && !breaks("G11-top-k")
            || sampling.minP() == 1
            || breaks("G13");
    List<Message> messages = request.prompt().messages();
    int prompt =
        breaks("G12")
            ? messages.get(messages.size() - 1).content().hashCode()
            : Message.transcript(messages).hashCode();
    long start = prompt + (mostLikely ? 0 : seed * 31);
    Random random = new Random(breaks("G3") ? start + batch : start);
    List<Integer> tokens = new ArrayList<>();
    int most = breaks("G4") ? sampling.maxTokens() + 1 : sampling.maxTokens();
    FinishReason reason = FinishReason.MAX_TOKENS;
    String stop = String.join("", sampling.stop());
    while (tokens.size() < most) {
      if (!sampling.ignoreEndOfText() && random.nextInt(20) == 0) {
        reason = FinishReason.END_OF_TEXT;
        break;
      }
      int letter = 'a' + random.nextInt(26);
      if (stop.equals(Character.toString(letter)) && !breaks("G14")) {
        reason = breaks("G14-reason") ? FinishReason.END_OF_TEXT : FinishReason.STOP_TEXT;
        break;
      }
      tokens.add(letter);
    }
    String text = tokens.stream().map(Character::toString).collect(Collectors.joining());
    double logProbability =
        breaks("G8-constant") ? -1 : (breaks("G8") ? 1 : -tokens.size()) * Math.log(26);
    return breaks("G11")
        ? new Candidate(seed, text, reason)
        : new Candidate(seed, text, tokens, logProbability, reason);
  }

  @Override
  public Optional<Scorer> scorer() {
    return breaks("G11-scorer") ? Optional.empty() : Optional.of(this);
  }

  @Override
  public void score(
      List<ScoringRequest> requests, Consumer<Scoring> results, Cancellation cancellation) {
    cancellation.throwIfCancelled();
    for (ScoringRequest request : requests) {
      List<Double> values = new ArrayList<>();
      List<Integer> tokens = new ArrayList<>();
      for (String continuation : request.continuations()) {
        values.add(breaks("W2") ? Double.NaN : -continuation.length() * Math.log(26));
        tokens.add(continuation.length());
      }
      if (breaks("W2-order")) {
        Collections.sort(values);
      }
      Scoring scoring = new Scoring(request.prompt().id(), values, tokens);
      if (breaks("W1-thread")) {
        OtherThread.run(() -> results.accept(scoring));
      } else {
        results.accept(scoring);
      }
      if (breaks("W1")) {
        return;
      }
    }
  }

  @Override
  public void close() {}
}
