package org.autodidact.pytorch;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import org.autodidact.api.InvalidExampleException;
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

  /** Whether the model's context is what bounds it. */
  private final boolean byContext;

  ExampleEncoder(ModelFolder model, TrainingSettings settings) {
    this.encoder = model.encoder();
    this.vocabulary = model.config().vocabularySize();
    this.maxLength = Math.min(settings.maxLength(), model.config().contextLength());
    this.byContext = settings.maxLength() >= model.config().contextLength();
  }

  /**
   * Tokenizes.
   *
   * @param heldOut whether these are the held-out examples, for errors
   */
  List<Example> encode(
      List<TrainingExample> examples, boolean heldOut, TrainingSettings.Loss loss) {
    List<Example> encoded = new ArrayList<>();
    for (int i = 0; i < examples.size(); i++) {
      try {
        encoded.add(encode(i, examples.get(i), loss));
      } catch (InvalidInputException e) {
        throw new InvalidExampleException(heldOut, i, e.getMessage());
      }
    }
    return encoded;
  }

  private Example encode(int index, TrainingExample example, TrainingSettings.Loss loss) {
    if (loss == TrainingSettings.Loss.SFT && example instanceof TrainingExample.Demonstration d) {
      int[] prompt = prompt(d.prompt());
      return new Example(index, 1, prompt, answer(prompt, d.response()));
    }
    if (loss != TrainingSettings.Loss.SFT && example instanceof TrainingExample.Preference p) {
      int[] prompt = prompt(p.prompt());
      return new Example(
          index, p.consistency(), prompt, answer(prompt, p.chosen()), answer(prompt, p.rejected()));
    }
    throw new InvalidInputException(
        "the loss "
            + loss
            + " needs "
            + (loss == TrainingSettings.Loss.SFT ? "demonstrations" : "preferences")
            + ", found a "
            + example.getClass().getSimpleName());
  }

  private int[] prompt(List<Message> messages) {
    int[] prompt = encoder.prompt(messages);
    if (prompt.length == 0) {
      throw new InvalidInputException("its prompt has no token; give one that has");
    }
    if (prompt.length >= maxLength) {
      throw new InvalidInputException(
          "its prompt has "
              + prompt.length
              + " tokens, with "
              + (byContext ? "the model's context of " : "max-length ")
              + maxLength
              + " no answer fits; "
              + (byContext ? "" : "raise max-length or ")
              + "drop the example");
    }
    check(prompt);
    return prompt;
  }

  private int[] answer(int[] prompt, String answer) {
    int[] text = encoder.text(answer);
    int[] end = encoder.endOfTurn();
    int[] ids = Arrays.copyOf(text, text.length + end.length);
    System.arraycopy(end, 0, ids, text.length, end.length);
    check(ids);
    return Arrays.copyOf(ids, Math.min(ids.length, maxLength - prompt.length));
  }

  private void check(int[] ids) {
    for (int id : ids) {
      if (id < 0 || id >= vocabulary) {
        throw new InvalidInputException(
            "token id "
                + id
                + " is not among the embedding's "
                + vocabulary
                + "; tokenizer and weights do not belong together");
      }
    }
  }
}
