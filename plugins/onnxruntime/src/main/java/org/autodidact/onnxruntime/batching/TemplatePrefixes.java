package org.autodidact.onnxruntime.batching;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import org.autodidact.api.Message;
import org.autodidact.api.Prompt;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;
import org.autodidact.onnxruntime.backend.DecoderSession;

/**
 * The tokens with which the prompts of a template begin. They depend on the template alone, not on
 * the prompts that happen to be in a call, so that a result does not either.
 */
public final class TemplatePrefixes {
  private final PromptEncoder encoder;
  private final Map<Prompt, int[]> known = new HashMap<>();

  public TemplatePrefixes(PromptEncoder encoder) {
    this.encoder = encoder;
  }

  /** How many of a prompt's tokens are its template's, or 0 where they are not worth sharing. */
  public int common(Prompt prompt, int[] tokens) {
    if (prompt.templatePrefix().isEmpty()) {
      return 0;
    }
    int[] template =
        known.computeIfAbsent(withFirst(prompt, prompt.templatePrefix()), this::tokens);
    boolean begins = AdmissionQueue.alike(template, tokens) == template.length;
    boolean rest = tokens.length - template.length >= DecoderSession.TAIL;
    return begins && rest && template.length >= AdmissionQueue.WORTH_SHARING ? template.length : 0;
  }

  /** What does not depend on how the text goes on; the last token might, and is left out. */
  private int[] tokens(Prompt template) {
    String beginning = template.templatePrefix();
    int[] one = encoder.prompt(withFirst(template, beginning + "a").messages());
    int[] other = encoder.prompt(withFirst(template, beginning + "1").messages());
    return Arrays.copyOf(one, Math.max(0, AdmissionQueue.alike(one, other) - 1));
  }

  /** The same prompt with another first message; its name is nothing that tokens depend on. */
  private static Prompt withFirst(Prompt prompt, String content) {
    List<Message> messages = new ArrayList<>(prompt.messages());
    messages.set(0, new Message(messages.get(0).role(), content));
    return new Prompt("", messages, prompt.templatePrefix());
  }
}
