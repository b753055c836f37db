package org.autodidact.checkpoints;

import java.util.List;
import org.autodidact.api.Message;

/**
 * Between text and token ids: tokenizer and chat template of one checkpoint. Thread-safe; lives as
 * long as its {@link ModelFolder}.
 */
public final class PromptEncoder {

  /**
   * The chat-templated conversation with the opening of the assistant's turn at its end, as text.
   */
  public String render(List<Message> messages) {
    throw new UnsupportedOperationException();
  }

  /** {@link #render} as token ids; no token is added to what the template wrote. */
  public int[] prompt(List<Message> messages) {
    throw new UnsupportedOperationException();
  }

  /** A text's token ids; special tokens written in it are not taken for special. */
  public int[] text(String text) {
    throw new UnsupportedOperationException();
  }

  /**
   * The tokens that close an assistant's turn, as the template writes them, white space after left
   * out.
   */
  public int[] endOfTurn() {
    throw new UnsupportedOperationException();
  }

  /** Text of token ids, special tokens left out. */
  public String decode(int[] ids) {
    throw new UnsupportedOperationException();
  }

  /** Number of tokens that the tokenizer knows. */
  public int size() {
    throw new UnsupportedOperationException();
  }
}
