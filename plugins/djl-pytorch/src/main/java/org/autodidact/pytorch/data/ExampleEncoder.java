package org.autodidact.pytorch.data;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.Answer;
import org.autodidact.api.InvalidExampleException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Probe;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingSettings;
import org.autodidact.checkpoints.ModelFolder;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;

/**
 * Tokenizes examples: chat-templated prompt and answer. An answer's sampled tokens are taken as
 * they are; an answer that is a text is tokenized, and closed by the end-of-turn tokens where it
 * ends.
 */
public final class ExampleEncoder {
  private final PromptEncoder encoder;
  private final int vocabulary;
  private final int maxLength;
  private final int context;

  /** Whether {@code maxLength} is the model's context, not the setting. */
  private final boolean boundByContext;

  public ExampleEncoder(ModelFolder model, TrainingSettings settings) {
    this.encoder = model.encoder();
    this.vocabulary = model.config().vocabularySize();
    this.context = model.config().contextLength();
    this.maxLength = Math.min(settings.maxLength(), model.config().contextLength());
    this.boundByContext = settings.maxLength() >= model.config().contextLength();
  }

  /**
   * Tokenizes a training's examples.
   *
   * @param heldOut whether these are the held-out examples, for errors
   */
  public List<TokenizedExample> encode(
      List<TrainingExample> examples, boolean heldOut, TrainingSettings.Loss loss) {
    List<TokenizedExample> encoded = new ArrayList<>();
    for (int i = 0; i < examples.size(); i++) {
      try {
        encoded.add(encode(i, examples.get(i), loss));
      } catch (InvalidInputException e) {
        throw new InvalidExampleException(heldOut, i, e.getMessage());
      }
    }
    return encoded;
  }

  private TokenizedExample encode(int index, TrainingExample example, TrainingSettings.Loss loss) {
    if (loss.equals(TrainingSettings.Loss.SFT)
        && example instanceof TrainingExample.Demonstration d) {
      int[] prompt = prompt(d.prompt());
      return new TokenizedExample(index, 1, prompt, answer(prompt, d.response()));
    }
    if (!loss.equals(TrainingSettings.Loss.SFT)
        && example instanceof TrainingExample.Preference p) {
      int[] prompt = prompt(p.prompt());
      return new TokenizedExample(
          index, p.consistency(), prompt, answer(prompt, p.chosen()), answer(prompt, p.rejected()));
    }
    throw new InvalidInputException(
        "the loss "
            + loss
            + " needs "
            + (loss.equals(TrainingSettings.Loss.SFT) ? "demonstrations" : "preferences")
            + ", found a "
            + example.getClass().getSimpleName());
  }

  /** Tokenizes a probe, whole; none where the model's context does not hold it. */
  public Optional<TokenizedExample> encode(int index, Probe probe) {
    int[] prompt = encoder.prompt(probe.prompt());
    int[] answer = ids(probe.answer());
    boolean fits = prompt.length + answer.length <= context;
    return fits && prompt.length > 0 && answer.length > 0
        ? Optional.of(new TokenizedExample(index, 1, prompt, answer))
        : Optional.empty();
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
              + (boundByContext ? "the model's context of " : "max-length ")
              + maxLength
              + " no answer fits; "
              + (boundByContext ? "" : "raise max-length or ")
              + "drop the example");
    }
    check(prompt);
    return prompt;
  }

  private int[] answer(int[] prompt, Answer answer) {
    int[] ids = ids(answer);
    return Arrays.copyOf(ids, Math.min(ids.length, maxLength - prompt.length));
  }

  /** Sampled tokens as they are; a text with its end of turn, where it has one. */
  private int[] ids(Answer answer) {
    int[] ids =
        answer.tokens().isEmpty()
            ? encoder.text(answer.text())
            : answer.tokens().stream().mapToInt(t -> t).toArray();
    if (answer.tokens().isEmpty() && answer.ends()) {
      int[] end = encoder.endOfTurn();
      int length = ids.length;
      ids = Arrays.copyOf(ids, length + end.length);
      System.arraycopy(end, 0, ids, length, end.length);
    }
    check(ids);
    return ids;
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
