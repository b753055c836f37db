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
 * Template prefixes: the tokens that all prompts made by one template begin with. They depend on
 * the template alone, not on the other prompts of a call, so that a result does not either.
 */
public final class TemplatePrefixes {
  private final PromptEncoder encoder;
  private final Map<Prompt, int[]> known = new HashMap<>();

  public TemplatePrefixes(PromptEncoder encoder) {
    this.encoder = encoder;
  }

  /** First tokens of a prompt that are its template's, or 0 where sharing them does not pay. */
  public int length(Prompt prompt, int[] tokens) {
    if (prompt.templatePrefix().isEmpty()) {
      return 0;
    }
    int[] template =
        known.computeIfAbsent(withFirst(prompt, prompt.templatePrefix()), this::tokens);
    boolean begins = AdmissionQueue.commonPrefix(template, tokens) == template.length;
    boolean longer = tokens.length - template.length >= DecoderSession.UNSHARED_TAIL;
    return begins && longer && template.length >= AdmissionQueue.MIN_SHARED_TOKENS
        ? template.length
        : 0;
  }

  /** Tokens that do not depend on how the text goes on; the last one might, and is left out. */
  private int[] tokens(Prompt template) {
    String beginning = template.templatePrefix();
    int[] one = encoder.prompt(withFirst(template, beginning + "a").messages());
    int[] other = encoder.prompt(withFirst(template, beginning + "1").messages());
    return Arrays.copyOf(one, Math.max(0, AdmissionQueue.commonPrefix(one, other) - 1));
  }

  /** A prompt with another first message, without its id, which tokens do not depend on. */
  private static Prompt withFirst(Prompt prompt, String content) {
    List<Message> messages = new ArrayList<>(prompt.messages());
    messages.set(0, new Message(messages.get(0).role(), content));
    return new Prompt("", messages, prompt.templatePrefix());
  }
}
