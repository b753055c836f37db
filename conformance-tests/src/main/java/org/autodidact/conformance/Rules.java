package org.autodidact.conformance;

import static org.assertj.core.api.Assertions.assertThat;

import java.util.Arrays;
import java.util.Map;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestInfo;

/** The base of all rule classes: a rule that an implementation cannot keep is skipped by name. */
abstract class Rules {

  /**
   * Rules that the implementation under test does not keep, each with the reason; they are reported
   * as skipped. {@code Map.of("G7", "the service behind it always samples")}.
   */
  protected Map<String, String> exemptions() {
    return Map.of();
  }

  @BeforeEach
  final void skipExemptRules(TestInfo test) {
    String method = test.getTestMethod().orElseThrow().getName();
    String rule = method.substring(0, method.indexOf('_'));
    for (String exempt : exemptions().keySet()) {
      assertThat(isRule(exempt)).as("exemption '%s' names a rule", exempt).isTrue();
    }
    Assumptions.assumeFalse(
        exemptions().containsKey(rule), () -> rule + " is exempt: " + exemptions().get(rule));
  }

  private boolean isRule(String name) {
    for (Class<?> c = getClass(); c != null; c = c.getSuperclass()) {
      if (Arrays.stream(c.getDeclaredMethods())
          .anyMatch(m -> m.isAnnotationPresent(Test.class) && m.getName().startsWith(name + "_"))) {
        return true;
      }
    }
    return false;
  }
}
