package org.autodidact.conformance;

import java.util.List;
import java.util.stream.Collectors;
import org.autodidact.api.Candidate;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.JudgedCandidate;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.ScoringRequest;
import org.autodidact.api.SelectionRequest;
import org.autodidact.api.ShownText;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.api.TrainingSettings;

/** Requests and results in a line each, for failures. */
final class Shown {
  private static final int TEXT = 60;

  private Shown() {}

  static String text(String text) {
    return "'" + ShownText.of(text, TEXT) + "'";
  }

  static String of(Prompt prompt) {
    return "prompt '"
        + prompt.id()
        + "' "
        + prompt.messages().stream()
            .map(m -> m.role() + " " + text(m.content()))
            .collect(Collectors.joining(", ", "[", "]"));
  }

  static String of(SamplingParameters sampling) {
    return "max-tokens "
        + sampling.maxTokens()
        + ", temperature "
        + sampling.temperature()
        + ", top-p "
        + sampling.topP()
        + (sampling.topK() == 0 ? "" : ", top-k " + sampling.topK())
        + (sampling.minP() == 0 ? "" : ", min-p " + sampling.minP())
        + (sampling.repetitionPenalty() == 1
            ? ""
            : ", repetition-penalty " + sampling.repetitionPenalty())
        + (sampling.stop().isEmpty() ? "" : ", stop " + sampling.stop())
        + (sampling.ignoreEndOfText() ? ", ignore-end-of-text" : "");
  }

  static String of(GenerationRequest request) {
    return of(request.prompt()) + ", seeds " + request.seeds() + ", " + of(request.sampling());
  }

  static String of(Candidate candidate) {
    return "seed "
        + candidate.seed()
        + ": "
        + text(candidate.text())
        + ", "
        + candidate.finishReason()
        + (candidate.tokenCount().isPresent()
            ? ", " + candidate.tokenCount().getAsInt() + " tokens"
            : "")
        + (candidate.logProbability().isPresent()
            ? ", log-probability " + candidate.logProbability().getAsDouble()
            : "");
  }

  static String candidates(List<Candidate> candidates) {
    return candidates.stream().map(Shown::of).collect(Collectors.joining("; ", "[", "]"));
  }

  static String of(ScoringRequest request) {
    return of(request.prompt())
        + ", prefix "
        + text(request.prefix())
        + ", continuations "
        + request.continuations()
        + (request.endOfText() ? ", end of text" : "");
  }

  static String of(JudgementRequest request) {
    return "judgement '"
        + request.id()
        + "' of "
        + of(request.prompt())
        + ", response "
        + text(request.response())
        + ", seeds "
        + request.seeds()
        + ", "
        + request.rivals().size()
        + " rivals";
  }

  static String of(JudgedCandidate judged) {
    return judged.candidate().seed()
        + " "
        + text(judged.candidate().text())
        + " "
        + (judged.judgement().score().isPresent()
            ? "scores " + judged.judgement().score().getAsDouble()
            : "without a score");
  }

  private static String of(List<JudgedCandidate> list) {
    return list.stream().map(Shown::of).collect(Collectors.joining(", ", "[", "]"));
  }

  static String of(SelectionRequest request) {
    return of(request.prompt())
        + ", candidates "
        + of(request.candidates())
        + (request.past().isEmpty() ? "" : ", past " + of(request.past()))
        + (request.future().isEmpty() ? "" : ", future " + of(request.future()))
        + (request.earlierScores().isEmpty() ? "" : ", earlier scores " + request.earlierScores());
  }

  static String of(TrainingRequest request) {
    TrainingSettings settings = request.settings();
    long demonstrations =
        request.examples().stream().filter(TrainingExample.Demonstration.class::isInstance).count();
    return "training of "
        + request.output().name()
        + ": loss "
        + settings.loss()
        + ", "
        + demonstrations
        + " demonstrations, "
        + (request.examples().size() - demonstrations)
        + " preferences, batch "
        + settings.batchSize()
        + ", epochs "
        + settings.epochs()
        + ", learning-rate "
        + settings.learningRate()
        + ", optimizer "
        + settings.optimizer()
        + ", seed "
        + request.seed()
        + (settings.lora().isPresent() ? ", LoRA" : "")
        + (request.heldOut().isEmpty() ? "" : ", " + request.heldOut().size() + " held out")
        + (request.probes().isEmpty() ? "" : ", " + request.probes().size() + " probes");
  }
}
