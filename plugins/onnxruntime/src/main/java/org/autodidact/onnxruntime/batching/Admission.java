package org.autodidact.onnxruntime.batching;

/** Some candidates of a job that enter a batch together, {@code count} from the {@code from}th. */
record Admission(GenerationJob job, int from, int count) {
  int[] tokens() {
    return job.promptTokens();
  }
}
