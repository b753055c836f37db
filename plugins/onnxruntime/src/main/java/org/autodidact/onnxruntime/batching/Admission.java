package org.autodidact.onnxruntime.batching;

/** Candidates {@code from} to {@code from + count} of a job, which enter a batch together. */
record Admission(GenerationJob job, int from, int count) {
  int[] promptTokens() {
    return job.promptTokens();
  }
}
