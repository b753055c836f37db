package org.autodidact.onnxruntime;

/** Some candidates of a job that enter a batch together, {@code count} from the {@code from}th. */
record Share(Job job, int from, int count) {
  int[] tokens() {
    return job.promptTokens();
  }
}
