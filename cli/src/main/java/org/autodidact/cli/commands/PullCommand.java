package org.autodidact.cli.commands;

import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;
import org.autodidact.cli.output.JsonReport;
import org.autodidact.cli.process.SignalHandling;
import org.autodidact.hub.Hub;
import org.autodidact.hub.HubModel;
import org.autodidact.hub.HubSettings;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Parameters;

@Command(
    name = "pull",
    description =
        "Downloads a model from the hub into the cache that Python's tools share; 'model:' and"
            + " --model do so by themselves. HF_ENDPOINT, HF_TOKEN, HF_HOME and HF_HUB_OFFLINE are"
            + " read.",
    mixinStandardHelpOptions = true)
public final class PullCommand implements Callable<Integer> {
  @Parameters(
      paramLabel = "NAME",
      description = "OWNER/NAME, or OWNER/NAME/FILE.gguf; with @REVISION or the newest")
  private String name;

  @Mixin private JsonReport report;

  @Override
  public Integer call() {
    HubModel model =
        HubModel.of(name)
            .orElseThrow(
                () ->
                    new InvalidInputException(
                        "expected a name on the hub, as Qwen/Qwen3-0.6B, found '"
                            + ShownText.of(name)
                            + "'"));
    Hub hub =
        new Hub(HubSettings.ofEnvironment(), line -> System.err.println(ShownText.escaped(line)));
    Path path = SignalHandling.guard(cancellation -> hub.pull(model, cancellation));
    report.put("model", model.toString()).put("path", path.toString());
    report.print(ShownText.escaped(model + " is in " + path));
    return 0;
  }
}
