package org.autodidact.pytorch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.PromptEncoder;

/** Tokenizes examples: chat-templated prompt, answer, the closing end-of-turn tokens. */
final class ExampleEncoder {
  private final PromptEncoder encoder;
  private final int vocabulary;
  private final int maxLength;

  ExampleEncoder(ModelFolder model, TrainingSettings settings) {
    this.encoder = model.encoder();
    this.vocabulary = model.config().vocabularySize();
    this.maxLength = Math.min(settings.maxLength(), model.config().contextLength());
  }

  List<Example> encode(List<TrainingExample> examples, TrainingSettings.Loss loss) {
    List<Example> encoded = new ArrayList<>();
    for (int i = 0; i < examples.size(); i++) {
      encoded.add(encode(i, examples.get(i), loss));
    }
    return encoded;
  }

  private Example encode(int index, TrainingExample example, TrainingSettings.Loss loss) {
    if (loss == TrainingSettings.Loss.SFT && example instanceof TrainingExample.Demonstration d) {
      return new Example(index, sequence(index, d.prompt(), d.response()));
    }
    if (loss != TrainingSettings.Loss.SFT && example instanceof TrainingExample.Preference p) {
      return new Example(
          index,
          sequence(index, p.prompt(), p.chosen()),
          sequence(index, p.prompt(), p.rejected()));
    }
    throw new InvalidInputException(
        "example "
            + index
            + ": the loss "
            + loss
            + " needs "
            + (loss == TrainingSettings.Loss.SFT ? "demonstrations" : "preferences")
            + ", found a "
            + example.getClass().getSimpleName());
  }

  private Example.Sequence sequence(int index, List<Message> prompt, String answer) {
    int[] before = encoder.prompt(prompt);
    if (before.length >= maxLength) {
      throw new InvalidInputException(
          "example "
              + index
              + ": its prompt has "
              + before.length
              + " tokens, with max-length "
              + maxLength
              + " no answer fits; raise max-length or drop the example");
    }
    int[] text = encoder.text(answer);
    int[] end = encoder.endOfTurn();
    int whole = before.length + text.length + end.length;
    int[] ids = Arrays.copyOf(before, whole);
    System.arraycopy(text, 0, ids, before.length, text.length);
    System.arraycopy(end, 0, ids, before.length + text.length, end.length);
    for (int id : ids) {
      if (id < 0 || id >= vocabulary) {
        throw new InvalidInputException(
            "example "
                + index
                + ": token id "
                + id
                + " is not among the embedding's "
                + vocabulary
                + "; tokenizer and weights do not belong together");
      }
    }
    return new Example.Sequence(
        whole > maxLength ? Arrays.copyOf(ids, maxLength) : ids, before.length);
  }
}
