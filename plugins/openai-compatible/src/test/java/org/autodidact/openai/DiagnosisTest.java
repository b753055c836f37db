package org.autodidact.openai;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Map;
import org.autodidact.api.Checkpoint;
import org.junit.jupiter.api.Test;

class DiagnosisTest {
  private static Diagnosis diagnosis(Map<String, String> environment) {
    return new Diagnosis(environment::get);
  }

  @Test
  void withoutAServerNothingIsSaid() {
    assertThat(diagnosis(Map.of()).server()).isEmpty();
    assertThat(diagnosis(Map.of()).model(Checkpoint.reference("M0", "a"))).isEmpty();
  }

  @Test
  void aServerIsNamedByKindModelsAndAbilities() {
    try (StubServer stub = new StubServer()) {
      Diagnosis found =
          diagnosis(Map.of("OPENAI_BASE_URL", stub.url(), "OPENAI_API_KEY", "secret"));
      assertThat(found.server())
          .containsExactly(
              stub.url() + ": [a-model, judge]",
              "generator vllm: ignore-end-of-text, log-probabilities, min-p, model-references,"
                  + " repetition-penalty, scores, token-ids, top-k",
              "found: token ids yes, log-probabilities of given tokens yes, several candidates a"
                  + " request yes");
      assertThat(stub.keys).containsOnly("Bearer secret");
      assertThat(found.model(Checkpoint.reference("M0", "judge")))
          .containsExactly(stub.url() + ": has judge");
      assertThat(found.model(Checkpoint.reference("M0", "big")).get(0))
          .contains("has no model 'big'");
      stub.owner = "me";
      assertThat(found.server()).contains("generator openai-compatible: texts alone");
    }
  }

  @Test
  void whatIsWrongIsALine() {
    assertThat(diagnosis(Map.of("OPENAI_BASE_URL", "here")).server())
        .singleElement()
        .asString()
        .startsWith("OPENAI_BASE_URL: the option 'url' must be an address");
    assertThat(diagnosis(Map.of("OPENAI_BASE_URL", "http://localhost:1/v1")).server())
        .singleElement()
        .asString()
        .contains("http://localhost:1/v1/models cannot be reached");
  }
}
