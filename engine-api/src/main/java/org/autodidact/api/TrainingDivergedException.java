package org.autodidact.api;

import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;

/**
 * Loss or gradient became infinite or not a number; whoever read the examples knows their lines.
 */
public final class TrainingDivergedException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  private final String what;
  private final String advice;

  @SuppressWarnings("serial")
  private final List<Integer> examples;

  /**
   * @param what became no number, and in which step
   * @param examples of that step or, where it is known, the one: places among the request's, from
   *     0; empty where they are not known
   * @param advice what to do, a sentence
   */
  public TrainingDivergedException(String what, List<Integer> examples, String advice) {
    this(what, examples, advice, index -> "example " + index, null);
  }

  private TrainingDivergedException(
      String what,
      List<Integer> examples,
      String advice,
      IntFunction<String> name,
      Throwable cause) {
    super(
        what
            + (examples.isEmpty()
                ? ""
                : "; it trained on "
                    + examples.stream().map(name::apply).collect(Collectors.joining("; ")))
            + ". "
            + advice,
        cause);
    this.what = what;
    this.examples = List.copyOf(examples);
    this.advice = advice;
  }

  /** The same, its examples named by {@code name}, as by file and line. */
  public TrainingDivergedException naming(IntFunction<String> name) {
    return new TrainingDivergedException(what, examples, advice, name, this);
  }
}
