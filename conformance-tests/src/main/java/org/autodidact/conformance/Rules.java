package org.autodidact.conformance;

import java.util.Map;
import java.util.Optional;
import org.autodidact.api.ShownText;
import org.junit.jupiter.api.Assumptions;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.TestInfo;

/**
 * The base of all classes of rules. A test's name begins with the number of its {@link Rule}. A
 * failure says the rule in words, the request, what was expected and what came; where a test needs
 * what another rule promises, it fails by that rule.
 */
public abstract class Rules {
  private static final int SHOWN = 400;

  Rules() {}

  /**
   * Rules that the implementation under test cannot keep, each with the reason; they are reported
   * as skipped. {@code Map.of(Rule.G7, "the service behind it always samples")}.
   */
  protected Map<Rule, String> exemptions() {
    return Map.of();
  }

  /**
   * Whether hosts call the part alone. The engine itself refuses a call in which an id occurs twice
   * (rules G10 and J7), so that a plugin need not; by default these are skipped.
   */
  protected boolean isCalledByHosts() {
    return false;
  }

  @BeforeEach
  final void skipExemptRules(TestInfo test) {
    Rule rule = rule(test.getTestMethod().orElseThrow().getName());
    for (Rule exempt : exemptions().keySet()) {
      if (exempt.name().charAt(0) != rule.name().charAt(0)) {
        throw new AssertionError("the exemption " + exempt + " is no rule of this class");
      }
    }
    Assumptions.assumeFalse(
        exemptions().containsKey(rule), () -> rule + " is exempt: " + exemptions().get(rule));
    Assumptions.assumeTrue(
        isCalledByHosts() || !Rule.KEPT_BY_THE_ENGINE.contains(rule),
        () -> rule + " is kept by the engine itself; see isCalledByHosts()");
  }

  private static Rule rule(String method) {
    return Rule.valueOf(method.substring(0, method.indexOf('_')));
  }

  /** The failure of a rule. */
  static AssertionError broken(Rule rule, Object request, String expected, Object found) {
    return new AssertionError(
        rule
            + " is broken: "
            + rule.text()
            + "\n  request:  "
            + ShownText.of(request, SHOWN)
            + "\n  expected: "
            + expected
            + "\n  found:    "
            + ShownText.of(found, SHOWN));
  }

  /** Fails where something does not hold. */
  static void check(boolean holds, Rule rule, Object request, String expected, Object found) {
    if (!holds) {
      throw broken(rule, request, expected, found);
    }
  }

  /** Calls the part, which must not throw. */
  static void call(Rule rule, Object request, Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      AssertionError error = broken(rule, request, "a result, no exception", "it threw " + e);
      error.initCause(e);
      throw error;
    }
  }

  /** Calls the part, which must throw an exception of this type. */
  static <X extends RuntimeException> X thrown(
      Rule rule, Object request, Class<X> type, Runnable call) {
    try {
      call.run();
    } catch (RuntimeException e) {
      if (type.isInstance(e)) {
        return type.cast(e);
      }
      AssertionError error =
          broken(rule, request, "an exception of type " + type.getSimpleName(), "it threw " + e);
      error.initCause(e);
      throw error;
    }
    throw broken(
        rule,
        request,
        "an exception of type " + type.getSimpleName(),
        "the call returned without an exception");
  }

  /** A value that may be absent, for people. */
  static String shown(Optional<?> value) {
    return value.map(String::valueOf).orElse("none");
  }
}
