package org.autodidact.openai;

import java.util.List;
import java.util.function.BooleanSupplier;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;

/** Token ids of conversations and texts. Thread-safe. */
interface Tokens {
  /** A conversation in its chat template, with the opening of the assistant's turn at its end. */
  List<Integer> prompt(List<Message> messages, BooleanSupplier isEnding);

  /** A text on its own; empty for an empty one. */
  List<Integer> text(String text, BooleanSupplier isEnding);

  /** What closes an answer to a prompt, at least one token. */
  List<Integer> endOfTurn(Prompt prompt, BooleanSupplier isEnding);
}
