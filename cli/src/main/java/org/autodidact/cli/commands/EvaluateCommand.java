package org.autodidact.cli.commands;

import picocli.CommandLine.Command;

@Command(
    name = "evaluate",
    description = "Says how good a judge or a model is.",
    mixinStandardHelpOptions = true,
    synopsisSubcommandLabel = "COMMAND",
    subcommands = {
      EvaluateJudgeCommand.class,
      EvaluateScoresCommand.class,
      DuelCommand.class,
      AnswersCommand.class,
      PerplexityCommand.class
    })
public final class EvaluateCommand {}
