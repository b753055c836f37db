package org.autodidact.cli.options;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import org.autodidact.api.Generator;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Judge;
import org.autodidact.api.JudgeProvider.JudgeContext;
import org.autodidact.api.PartOptions;
import org.autodidact.api.SamplingParameters;
import org.autodidact.cli.output.ProgressJudge;
import org.autodidact.engine.config.Ranges;
import org.autodidact.engine.data.FineTuningData;
import org.autodidact.engine.plugins.Plugins;
import org.autodidact.engine.plugins.Requirements;
import org.autodidact.engine.seeds.Seeds;
import picocli.CommandLine.Option;

/** Which judge, and how it is sampled. */
public final class JudgingOptions {
  @Option(
      names = "--judge",
      defaultValue = "additive",
      paramLabel = "NAME",
      description = "default: ${DEFAULT-VALUE}; 'plugins' lists them")
  private String judge;

  @Option(
      names = "--members",
      split = ",",
      paramLabel = "NAME",
      description = "the judges that 'ensemble' or 'meta' is made of: additive,expected-score")
  private List<String> members = new ArrayList<>();

  @Option(
      names = "--samples",
      defaultValue = "3",
      description = "judgements that are averaged (default: ${DEFAULT-VALUE})")
  private int samples;

  @Option(
      names = "--max-tokens",
      defaultValue = "256",
      description = "tokens of a judgement at most (default: ${DEFAULT-VALUE})")
  private int maxTokens;

  @Option(names = "--temperature", defaultValue = "0.7", description = "default: ${DEFAULT-VALUE}")
  private double temperature;

  @Option(names = "--top-p", defaultValue = "0.9", description = "default: ${DEFAULT-VALUE}")
  private double topP;

  @Option(names = "--ignore-eos", description = "go on past the end-of-text token")
  private boolean ignoreEos;

  @Option(
      names = "--template",
      paramLabel = "FILE",
      description = "a judge prompt with {instruction} and {response}, or what the judge shows")
  private Path template;

  @Option(
      names = "--judge-model",
      paramLabel = "DIR",
      description = "a model of the judge's own: what 'reward-model' reads")
  private Path judgeModel;

  @Option(
      names = "--judge-option",
      paramLabel = "KEY=VALUE",
      description = "an option of the judge; 'plugins' lists them")
  private Map<String, String> options = new LinkedHashMap<>();

  @Option(names = "--seed", defaultValue = "1", description = "default: ${DEFAULT-VALUE}")
  private long seed;

  public String judge() {
    return judge;
  }

  public long seed() {
    return seed;
  }

  public int samples() {
    return Ranges.whole("--samples", samples, 1, Ranges.SAMPLES);
  }

  public Optional<String> template() {
    return Optional.ofNullable(template).map(FineTuningData::readText);
  }

  /** The seeds of the samples of the judgement with this index. */
  public List<Long> seeds(int index) {
    return Seeds.list(samples(), seed, index);
  }

  /** The judge, which shows how far it is. */
  public Judge open(Plugins plugins, Generator model) {
    Requirements.options("--judge-option", plugins.judge(judge), options);
    return new ProgressJudge(plugins.openJudge(judge, members, context(plugins, model)));
  }

  /** Refuses what {@link #open} would, before there is a model. */
  public void check(Plugins plugins) {
    samples();
    Requirements.options("--judge-option", plugins.judge(judge), options);
    plugins.openJudge(judge, members, context(plugins, new Plugins.NoGenerator(true))).close();
  }

  private JudgeContext context(Plugins plugins, Generator model) {
    if (judgeModel != null && !plugins.judge(judge).readsModel()) {
      throw new InvalidInputException(
          "--judge-model: the judge '"
              + judge
              + "' reads no model of its own; the model that judges is --model");
    }
    Ranges.whole("--max-tokens", maxTokens, 1, Ranges.TOKENS);
    SamplingParameters sampling =
        new SamplingParameters(maxTokens, temperature, 0, topP, 0, 1, List.of(), ignoreEos);
    return new JudgeContext(
        model,
        sampling,
        template(),
        List.of(),
        Optional.ofNullable(judgeModel),
        PartOptions.of(options));
  }
}
