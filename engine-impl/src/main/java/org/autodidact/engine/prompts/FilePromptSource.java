package org.autodidact.engine.prompts;

import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import org.apiguardian.api.API;
import org.apiguardian.api.API.Status;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Prompt;
import org.autodidact.api.PromptSource;
import org.autodidact.engine.data.JsonLines;

/**
 * Prompts from a file, shuffled by a seed. Each iteration takes the next ones; where the file ends
 * it begins again, so that a prompt is only seen again once all were.
 *
 * @since 0.1
 */
@API(status = Status.EXPERIMENTAL, since = "0.1")
public final class FilePromptSource implements PromptSource {
  private final Path file;
  private final List<Prompt> shuffled;

  public FilePromptSource(Path file, long seed) {
    this.file = file;
    this.shuffled = new ArrayList<>(JsonLines.distinctPrompts(file));
    Collections.shuffle(shuffled, new Random(seed));
  }

  @Override
  public List<Prompt> prompts(int iteration, int count) {
    if (count > shuffled.size()) {
      throw new InvalidInputException(
          file
              + ": "
              + count
              + " prompts an iteration are wanted, the file has "
              + shuffled.size()
              + "; lower prompts.per-iteration or add prompts");
    }
    List<Prompt> chosen = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      chosen.add(shuffled.get(((iteration - 1) * count + i) % shuffled.size()));
    }
    return chosen;
  }
}
