package org.autodidact.api;

import java.util.List;
import java.util.function.IntFunction;
import java.util.stream.Collectors;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Loss or gradient became infinite or not a number; whoever read the examples knows their lines.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public final class TrainingDivergedException extends AutodidactException {
  private static final long serialVersionUID = 1L;

  private final String problem;
  private final String advice;

  @SuppressWarnings("serial")
  private final List<Integer> examples;

  /**
   * @param problem what became no number, and in which step
   * @param examples of that step or, where it is known, the one: indices among the request's, from
   *     0; empty where they are not known
   * @param advice what to do, a sentence
   */
  public TrainingDivergedException(String problem, List<Integer> examples, String advice) {
    this(problem, examples, advice, index -> "example " + index, null);
  }

  private TrainingDivergedException(
      String problem,
      List<Integer> examples,
      String advice,
      IntFunction<String> name,
      Throwable cause) {
    super(
        problem
            + (examples.isEmpty()
                ? ""
                : "; it trained on "
                    + examples.stream().map(name::apply).collect(Collectors.joining("; ")))
            + ". "
            + advice,
        cause);
    this.problem = problem;
    this.examples = List.copyOf(examples);
    this.advice = advice;
  }

  /** This failure with its examples named by {@code name}, for example by file and line. */
  public TrainingDivergedException naming(IntFunction<String> name) {
    return new TrainingDivergedException(problem, examples, advice, name, this);
  }
}
