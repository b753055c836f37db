package org.autodidact.conformance;

import java.util.EnumSet;
import java.util.Set;

/**
 * The numbered rules of the interfaces of {@code org.autodidact.api}, in the words of their
 * Javadoc. A failure repeats the one that is broken.
 */
public enum Rule {
  G1(
      "each request gives exactly one Generation, handed to results on the calling "
          + "thread as soon as its last candidate ends, in any order of requests."),
  G2("a generation has one candidate a seed, in the order of the seeds."),
  G3(
      "a candidate depends on model, prompt, sampling parameters and its own seed, "
          + "never on the batch it is decoded in."),
  G4(
      "no candidate has more than SamplingParameters.maxTokens() tokens, and its "
          + "finish reason says truly why it ended."),
  G5(
      "once cancellation is set the call ends with CancelledException within a "
          + "token's time; delivered results stay valid."),
  G6("an exception thrown by results ends the call and reaches the caller unchanged."),
  G7("temperature 0 ignores seeds: equal prompts give equal texts."),
  G8(
      "log-probabilities that are there are finite and at most 0, and those of the "
          + "candidate's tokens: more tokens after the same ones are less probable."),
  G9("no request at all returns at once."),
  G10(
      "two requests with the same prompt id are refused before anything is "
          + "generated. The engine does so itself; a generator that a host calls alone "
          + "should."),
  G11("what its provider says that it can do is there in every candidate."),
  G12("a candidate depends on every message of its prompt, not on the last one alone."),
  G13(
      "temperature and top-p have their effect: at a high temperature seeds give "
          + "different texts, and with a top-p next to 0 they give equal ones."),
  G14("a stop text ends a candidate before it, with FinishReason.STOP_TEXT."),
  G15("token ids that are there are the model's: 0 or more, and others for another " + "text."),
  W1(
      "each request gives exactly one Scoring, handed to results on the calling "
          + "thread as soon as it is ready, in any order."),
  W2("a scoring has one log-probability a continuation, in their order, and none is " + "NaN."),
  J1(
      "each request gives exactly one Judgement with its id, handed to results on "
          + "the calling thread."),
  J2("a score is finite and within scale()."),
  J3("the score is the mean of the samples that have one, and empty where none has."),
  J4("a judgement depends on its own request only, never on the others of the call."),
  J5("an empty response is judged, not refused."),
  J6("once cancellation is set the call ends with CancelledException."),
  J7(
      "two requests with the same id are refused before anything is judged. The "
          + "engine does so itself; a judge that a host calls alone should."),
  S1(
      "chosen and rejected are among the request's candidates, past and future ones "
          + "included, and not the same one."),
  S2("the chosen one's score is higher than the rejected one's."),
  S3("a candidate without a score is never selected."),
  S4("fewer than two scored candidates, or none higher than another, make no pair."),
  S5("equal arguments give equal results, whatever was asked before."),
  S6("the pair's texts differ."),
  S7(
      "past and future candidates and earlier scores have no effect unless needs() "
          + "names them."),
  T1(
      "the output folder appears whole, after the last step, and the base is left as "
          + "it was. A trainer elsewhere may return a reference of the output's name "
          + "instead."),
  T2(
      "each step hands its metrics to metrics on the calling thread, in order, "
          + "counted from 1."),
  T3("equal requests give equal weights, bit for bit, on the same machine."),
  T4(
      "cut off at any moment and called again with the same request, it goes on from "
          + "the state folder and ends with the weights of a training that was never cut "
          + "off; metrics of steps done before are in the result and not reported again."),
  T5("a learning rate of 0 leaves the weights as they were."),
  T6("training lowers the loss on what it is trained on."),
  T7(
      "preference losses start at their value for equal policy and reference; for "
          + "TrainingSettings.Loss.SIGMOID that is ln 2."),
  T8("once cancellation is set the call ends with CancelledException after the step " + "in hand."),
  T9("no examples, or examples of the wrong kind, are refused."),
  T10(
      "the result has one Probe.Result a probe, in their order, or none at all; "
          + "before is under the base's weights and after under those that the output has."),
  T11(
      "an answer that has tokens is learned by exactly these; an end of turn is "
          + "learned where an answer ends, and nowhere else."),
  T12("a training that ends deletes the state folder."),
  T13("what its provider says that it can do it does."),
  P1("there are exactly count, with distinct ids."),
  P2("equal arguments give equal results, whatever was asked before."),
  F1("the answer depends on the text alone, whatever was asked before."),
  F2("every text is answered, the empty one included."),
  V1(
      "its name is lower-case letters, digits and hyphens, and no other part of its "
          + "kind in the plugin has it; nothing that it returns is null."),
  V2(
      "an option that is unknown, missing or cannot be used is refused by an "
          + "InvalidInputException that names its key."),
  V3("what it opens shares nothing: closing one leaves another as it is."),
  V4("opening a judge asks nothing of its generator."),
  V5(
      "a judge that shows its model a template refuses one without {instruction} or "
          + "{response}."),
  V6(
      "what a generator's provider says that it can do its generators have, and no "
          + "scorer or reference beyond it.");

  /** What the engine does for the parts that it calls; see {@link Rules#isCalledByHosts()}. */
  static final Set<Rule> KEPT_BY_THE_ENGINE = EnumSet.of(G10, J7);

  private final String text;

  Rule(String text) {
    this.text = text;
  }

  /** The rule's sentence. */
  public String text() {
    return text;
  }
}
