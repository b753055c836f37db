package org.autodidact.conformance;

import java.util.ArrayList;
import java.util.List;
import java.util.OptionalDouble;
import java.util.Set;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.function.Consumer;
import org.autodidact.api.Cancellation;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.Generator;
import org.autodidact.api.GeneratorCapability;
import org.autodidact.api.GeneratorProvider;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider;
import org.autodidact.api.JudgeProvider.JudgeContext;
import org.autodidact.api.Judgement;
import org.autodidact.api.JudgementRequest;
import org.autodidact.api.JudgementSample;
import org.autodidact.api.Plugin;
import org.autodidact.api.Prompt;
import org.autodidact.api.SamplingParameters;
import org.autodidact.api.Setting;

/** A judge over the learner and a generator; keeps every rule of providers but {@code broken}. */
final class BreakablePlugin implements Plugin {
  private static final AtomicInteger OPEN = new AtomicInteger();
  private final String broken;

  BreakablePlugin(String broken) {
    this.broken = broken;
  }

  /** The options of the judge. */
  public record Options(
      @Setting("a word") String word,
      @Setting(value = "a number", range = "[0, 9]", byDefault = "3") int number) {}

  @Override
  public String name() {
    return broken.equals("V1-null") ? null : "breakable";
  }

  @Override
  public List<JudgeProvider> judges() {
    String name = broken.equals("V1") ? "Bad Name" : "shown";
    JudgeProvider provider = JudgeProvider.of(name, Options.class, false, this::open);
    return broken.equals("V1-twice") ? List.of(provider, provider) : List.of(provider);
  }

  private Judge open(JudgeContext context) {
    if (!broken.equals("V2")) {
      try {
        context.options().read(Options.class);
      } catch (InvalidInputException e) {
        throw broken.equals("V2-name") ? new InvalidInputException("bad options") : e;
      }
    }
    String template = context.template().orElse("{instruction} {response} Score: ");
    if (!broken.equals("V5")
        && !(template.contains("{instruction}") && template.contains("{response}"))) {
      throw new InvalidInputException("the template has no {instruction} or no {response}");
    }
    if (broken.equals("V4")) {
      ask(context.generator(), "warm up");
    }
    OPEN.set(1);
    return new Asking(context.generator(), template);
  }

  private static void ask(Generator generator, String text) {
    generator.generate(
        List.of(
            new GenerationRequest(
                Prompt.of("q", text), List.of(1L), SamplingParameters.candidates(9))),
        g -> {},
        new Cancellation());
  }

  private final class Asking implements Judge {
    private final Generator generator;
    private final String template;

    Asking(Generator generator, String template) {
      this.generator = generator;
      this.template = template;
    }

    @Override
    public void judge(
        List<JudgementRequest> requests, Consumer<Judgement> results, Cancellation cancellation) {
      if (broken.equals("V3") && OPEN.get() == 0) {
        throw new IllegalStateException("closed");
      }
      for (JudgementRequest request : requests) {
        ask(generator, template.replace("{response}", request.response()));
        results.accept(
            Judgement.of(request.id(), List.of(new JudgementSample(OptionalDouble.of(3), ""))));
      }
    }

    @Override
    public void close() {
      OPEN.set(0);
    }
  }

  @Override
  public List<GeneratorProvider> generators() {
    GeneratorProvider provider =
        new GeneratorProvider() {
          @Override
          public String name() {
            return "letters";
          }

          @Override
          public Set<GeneratorCapability> capabilities() {
            return Set.copyOf(
                broken.equals("V6") ? List.of() : List.of(GeneratorCapability.SCORES));
          }

          @Override
          public Generator open(GeneratorContext context) {
            if (!broken.equals("V6-reference")) {
              context.checkpoint().folder();
            }
            return new BreakableGenerator();
          }
        };
    return new ArrayList<>(List.of(provider));
  }
}
