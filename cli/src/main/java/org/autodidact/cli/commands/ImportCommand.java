package org.autodidact.cli.commands;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.autodidact.api.ShownText;
import org.autodidact.checkpoints.LoraMerge;
import org.autodidact.checkpoints.gguf.Gguf;
import org.autodidact.cli.options.ModelOptions;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

@Command(
    name = "import",
    description =
        "Turns a GGUF file into a Hugging Face folder with float32 weights; or merges a LoRA adapter"
            + " into its base.",
    mixinStandardHelpOptions = true)
public final class ImportCommand implements Callable<Integer> {
  @Parameters(
      index = "0",
      paramLabel = "MODEL",
      description =
          "a GGUF file; with --adapter the base: a folder, a GGUF file or a name on the hub")
  private Path file;

  @Parameters(index = "1", paramLabel = "DIR", description = "the new folder")
  private Path folder;

  @Option(
      names = "--adapter",
      paramLabel = "DIR",
      description = "a LoRA adapter in PEFT's form, which is merged into the base")
  private Path adapter;

  @Override
  public Integer call() {
    if (adapter == null) {
      Gguf.importInto(file, folder);
    } else {
      LoraMerge.write(ModelOptions.checkpoint(file).folder(), adapter, folder);
    }
    System.out.println(ShownText.escaped(folder + " is ready"));
    if (!Files.exists(folder.resolve("chat_template.jinja"))) {
      System.out.println(
          ShownText.escaped(String.valueOf(file))
              + " has no chat template: put the model's own into "
              + folder.resolve("chat_template.jinja")
              + " before it is asked anything");
    }
    return 0;
  }
}
