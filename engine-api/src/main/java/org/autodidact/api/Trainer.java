package org.autodidact.api;

import java.util.function.Consumer;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Trains a checkpoint on examples into a new checkpoint. One thread at a time.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public interface Trainer {

  /**
   * Trains.
   *
   * <ul>
   *   <li>T1: the output folder appears whole, after the last step, and the base is left as it was.
   *       A trainer elsewhere may return a {@linkplain Checkpoint#reference reference} of the
   *       output's name instead.
   *   <li>T2: each step hands its metrics to {@code metrics} on the calling thread, in order,
   *       counted from 1.
   *   <li>T3: equal requests give equal weights, bit for bit, on the same machine.
   *   <li>T4: cut off at any moment and called again with the same request, it goes on from the
   *       state folder and ends with the weights of a training that was never cut off; metrics of
   *       steps done before are in the result and not reported again.
   *   <li>T5: a learning rate of 0 leaves the weights as they were.
   *   <li>T6: training lowers the loss on what it is trained on.
   *   <li>T7: preference losses start at their value for equal policy and reference; for {@link
   *       TrainingSettings.Loss#SIGMOID} that is ln 2.
   *   <li>T8: once {@code cancellation} is set the call ends with {@link CancelledException} after
   *       the step in hand.
   *   <li>T9: no examples, or examples of the wrong kind, are refused.
   *   <li>T10: the result has one {@link Probe.Result} a probe, in their order, or none at all;
   *       {@code before} is under the base's weights and {@code after} under those that the output
   *       has.
   *   <li>T11: an answer that has tokens is learned by exactly these; an end of turn is learned
   *       where an answer {@linkplain Answer#ends() ends}, and nowhere else.
   *   <li>T12: a training that ends deletes the state folder.
   *   <li>T13: what its provider {@linkplain TrainerProvider#capabilities() says that it can do} it
   *       does.
   * </ul>
   *
   * @throws InvalidInputException for examples that cannot be used, named by their index
   * @throws TrainingDivergedException where loss or gradient is not a number
   * @throws CancelledException see T8
   */
  TrainingResult train(
      TrainingRequest request, Consumer<TrainingMetrics> metrics, Cancellation cancellation);
}
