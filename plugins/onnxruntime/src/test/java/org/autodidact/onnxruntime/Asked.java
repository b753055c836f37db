package org.autodidact.onnxruntime;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;

/** What a generator gives for some requests, by prompt id. */
final class Asked {
  private Asked() {}

  static Map<String, Generation> generate(
      OnnxGenerator generator, List<GenerationRequest> requests) {
    Map<String, Generation> found = new LinkedHashMap<>();
    generator.generate(requests, g -> found.put(g.promptId(), g), new Cancellation());
    return found;
  }

  static Map<String, Scoring> score(OnnxGenerator generator, List<ScoringRequest> requests) {
    Map<String, Scoring> found = new LinkedHashMap<>();
    generator
        .scorer()
        .orElseThrow()
        .score(requests, s -> found.put(s.promptId(), s), new Cancellation());
    return found;
  }
}
