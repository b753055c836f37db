package org.autodidact.onnxruntime.batching;

import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.autodidact.api.GenerationRequest;
import org.autodidact.api.InvalidInputException;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;

/**
 * A request's stop texts. One that is a special token is matched as a token, since decoded answers
 * leave special tokens out.
 *
 * @param tokens ids of the stop texts that are special tokens
 * @param texts the other stop texts
 */
record StopTexts(Set<Integer> tokens, List<String> texts) {
  static StopTexts of(GenerationRequest request, PromptEncoder encoder) {
    Set<Integer> tokens = new HashSet<>();
    List<String> texts = new ArrayList<>();
    for (String stop : request.sampling().stop()) {
      OptionalInt token = encoder.specialToken(stop);
      if (token.isPresent()) {
        tokens.add(token.getAsInt());
        continue;
      }
      Optional<String> inside = encoder.specialTokenIn(stop);
      if (inside.isPresent()) {
        throw new InvalidInputException(
            "prompt '"
                + request.prompt().id()
                + "': the stop text '"
                + stop
                + "' has the special token '"
                + inside.get()
                + "' in it, which is no text in an answer; give that token alone, or leave it out");
      }
      texts.add(stop);
    }
    return new StopTexts(tokens, texts);
  }
}
