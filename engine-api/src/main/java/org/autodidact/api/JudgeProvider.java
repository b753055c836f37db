package org.autodidact.api;

import java.nio.file.Path;
import java.util.List;
import java.util.Objects;
import java.util.Optional;
import java.util.function.Function;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;

/**
 * Opens judges; found by name through a {@link Plugin}. Stateless and thread-safe.
 *
 * @since 0.1
 */
@API(status = Status.STABLE, since = "0.1")
public interface JudgeProvider extends PartProvider {
  /**
   * Opens a judge. The caller closes it; the generator in {@code context} stays the caller's. A run
   * opens its judge once before any work, over a generator that may not be used and has a scorer
   * where the run's has one, and closes it, so that what cannot be used is refused at once: what is
   * slow to load is best loaded when the judge is first asked.
   *
   * @throws InvalidInputException where a setting, an option or the template cannot be used
   * @throws UnsupportedModelException where the judge needs what the generator does not offer
   */
  Judge open(JudgeContext context);

  /**
   * Whether its judges read {@code judge.model} themselves, as a reward model does. Else the model
   * is opened by a generator, which judges in the learner's place.
   */
  default boolean readsModel() {
    return false;
  }

  /** A provider whose judges a function opens, without options. */
  static JudgeProvider of(String name, Function<JudgeContext, Judge> open) {
    return of(name, PartOptions.None.class, false, open);
  }

  /** A provider whose judges a function opens. */
  static JudgeProvider of(
      String name,
      Class<? extends Record> optionsType,
      boolean readsModel,
      Function<JudgeContext, Judge> open) {
    record Named(
        String name,
        Class<? extends Record> optionsType,
        boolean readsModel,
        Function<JudgeContext, Judge> function)
        implements JudgeProvider {
      @Override
      public Judge open(JudgeContext argument) {
        return function.apply(argument);
      }
    }
    return new Named(name, optionsType, readsModel, open);
  }

  /**
   * The context that a judge is opened with.
   *
   * @param generator the model that judges: in self-rewarding, the one that also answers; with
   *     {@code judge.generator} or {@code judge.model} one of the judge's own
   * @param sampling how a judgement that is written is sampled
   * @param template the judge prompt with {@code {instruction}} and {@code {response}} in it, or
   *     empty for the judge's own
   * @param members judges that this one is made of, open; they become the judge's own, which closes
   *     them. Empty for most
   * @param model the folder of a model that the judge brings itself, as a reward model; empty for
   *     most
   * @param options the options that the configuration gives the judge
   */
  record JudgeContext(
      Generator generator,
      SamplingParameters sampling,
      Optional<String> template,
      List<Judge> members,
      Optional<Path> model,
      PartOptions options) {
    /** A context without members, without a model of the judge's own and without options. */
    public JudgeContext(
        Generator generator, SamplingParameters sampling, Optional<String> template) {
      this(generator, sampling, template, List.of(), Optional.empty(), PartOptions.none());
    }

    public JudgeContext {
      members = List.copyOf(members);
      Objects.requireNonNull(generator, "generator");
      Objects.requireNonNull(sampling, "sampling");
      Objects.requireNonNull(template, "template");
      Objects.requireNonNull(model, "model");
      Objects.requireNonNull(options, "options");
    }
  }
}
