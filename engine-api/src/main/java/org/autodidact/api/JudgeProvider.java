package org.autodidact.api;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;

/** Opens judges; found by name through a {@link Plugin}. Stateless and thread-safe. */
public interface JudgeProvider {
  /** The name that selects it: lower-case letters, digits and hyphens. */
  String name();

  /**
   * Opens a judge. The caller closes it; the generator in {@code context} stays the caller's. A run
   * opens its judge once before any work, over a generator that may not be used, and closes it, so
   * that what cannot be used is refused at once: what is slow to load is best loaded when the judge
   * is first asked.
   *
   * @throws InvalidInputException where a setting or the template cannot be used
   * @throws UnsupportedModelException where the judge needs what the generator does not offer
   */
  Judge open(JudgeContext context);

  /** A provider whose judges a function opens. */
  static JudgeProvider of(String name, Function<JudgeContext, Judge> open) {
    record Named(String name, Function<JudgeContext, Judge> function) implements JudgeProvider {
      @Override
      public Judge open(JudgeContext argument) {
        return function.apply(argument);
      }
    }
    return new Named(name, open);
  }

  /**
   * The context that a judge is opened with.
   *
   * @param generator the model that judges: in self-rewarding, the one that also answers
   * @param sampling how a judgement that is written is sampled
   * @param template the judge prompt with {@code {instruction}} and {@code {response}} in it, or
   *     empty for the judge's own
   * @param members judges that this one is made of, open; they become the judge's own, which closes
   *     them. Empty for most
   * @param model the folder of a model that the judge brings itself, as a reward model; empty for
   *     most
   */
  record JudgeContext(
      Generator generator,
      SamplingParameters sampling,
      Optional<String> template,
      List<Judge> members,
      Optional<Path> model) {
    /** A context without members and without a model of the judge's own. */
    public JudgeContext(
        Generator generator, SamplingParameters sampling, Optional<String> template) {
      this(generator, sampling, template, List.of(), Optional.empty());
    }

    public JudgeContext {
      members = List.copyOf(members);
      Objects.requireNonNull(generator, "generator");
      Objects.requireNonNull(sampling, "sampling");
      Objects.requireNonNull(template, "template");
      Objects.requireNonNull(model, "model");
    }
  }
}
