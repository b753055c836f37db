package org.autodidact.onnxruntime;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.api.Cancellation;
import org.autodidact.api.Generation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Scoring;
import org.autodidact.api.ScoringRequest;
import org.autodidact.onnxruntime.cpu.CpuGenerator;

/** What a generator gives for some requests, by prompt id. */
public final class Asked {
  private Asked() {}

  public static Map<String, Generation> generate(
      CpuGenerator generator, List<GenerationRequest> requests) {
    Map<String, Generation> found = new LinkedHashMap<>();
    generator.generate(requests, g -> found.put(g.promptId(), g), new Cancellation());
    return found;
  }

  public static Map<String, Scoring> score(CpuGenerator generator, List<ScoringRequest> requests) {
    Map<String, Scoring> found = new LinkedHashMap<>();
    generator
        .scorer()
        .orElseThrow()
        .score(requests, s -> found.put(s.promptId(), s), new Cancellation());
    return found;
  }
}
