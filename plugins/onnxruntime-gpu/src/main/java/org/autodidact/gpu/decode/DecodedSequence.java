package org.autodidact.gpu.decode;

import java.util.Optional;
import java.util.SplittableRandom;
import org.autodidact.api.Generation;
import org.autodidact.api.SamplingParameters;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.onnxruntime.batching.GenerationJob;
import org.autodidact.onnxruntime.batching.SampledCandidate;
import org.autodidact.onnxruntime.batching.Sampler;

/** A candidate in the making: its job, its random numbers and the tokens so far. */
final class DecodedSequence {
  private final GenerationJob job;
  private final int index;
  private final SampledCandidate candidate;
  private final SplittableRandom random;

  /** Random numbers of the next tokens, drawn ahead; the {@code n}th token has the {@code n}th. */
  private double[] drawn = new double[0];

  /**
   * @param index of the candidate within its job
   */
  DecodedSequence(GenerationJob job, int index, ModelFolder model) {
    this.job = job;
    this.index = index;
    this.candidate = new SampledCandidate(model.encoder(), model.ends(), job);
    this.random = new SplittableRandom(seed());
  }

  private long seed() {
    return job.request().seeds().get(index);
  }

  GenerationJob job() {
    return job;
  }

  int[] prompt() {
    return job.promptTokens();
  }

  int maxTokens() {
    return job.maxAnswer();
  }

  SamplingParameters sampling() {
    return job.request().sampling();
  }

  /** The random number of the token that comes after {@code ahead} more. */
  double uniform(int ahead) {
    if (ahead >= drawn.length) {
      double[] more = java.util.Arrays.copyOf(drawn, ahead + 1);
      for (int i = drawn.length; i < more.length; i++) {
        more[i] = random.nextDouble();
      }
      drawn = more;
    }
    return drawn[ahead];
  }

  /** Adds a sampled token with its ln p. */
  void add(int token, double logProbability) {
    Sampler.requireNumber(logProbability);
    candidate.add(token, logProbability);
    uniform(0);
    drawn = java.util.Arrays.copyOfRange(drawn, 1, drawn.length);
  }

  boolean isFinished() {
    return candidate.isFinished();
  }

  /** Stores the candidate with its job; the generation with the job's last one. */
  Optional<Generation> finish() {
    return job.finish(index, candidate.candidate(seed()));
  }
}
