package org.autodidact.cli.commands;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.concurrent.Callable;
import org.autodidact.api.ShownText;
import org.autodidact.checkpoints.gguf.Gguf;
import picocli.CommandLine.Command;
import picocli.CommandLine.Parameters;

@Command(
    name = "import",
    description = "Turns a GGUF file into a Hugging Face folder with float32 weights.",
    mixinStandardHelpOptions = true)
public final class ImportCommand implements Callable<Integer> {
  @Parameters(index = "0", paramLabel = "FILE.gguf", description = "the file")
  private Path file;

  @Parameters(index = "1", paramLabel = "DIR", description = "the new folder")
  private Path folder;

  @Override
  public Integer call() {
    Gguf.importInto(file, folder);
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
