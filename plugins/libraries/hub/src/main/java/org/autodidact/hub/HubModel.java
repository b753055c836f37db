package org.autodidact.hub;

import java.util.Optional;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A model's name on the hub: {@code OWNER/NAME}, {@code OWNER/NAME@REVISION}, or one GGUF file of
 * it, {@code OWNER/NAME/FILE.gguf}, with {@code @REVISION} or without.
 *
 * @param repository {@code OWNER/NAME}
 * @param revision a branch, a tag or a commit; {@code main} where none is named
 * @param gguf the file where one is named
 */
public record HubModel(String repository, String revision, Optional<String> gguf) {
  private static final String PART = "[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9])?";

  private static final Pattern NAME =
      Pattern.compile(
          "("
              + PART
              + "/"
              + PART
              + ")(?:/([A-Za-z0-9][A-Za-z0-9._/-]{0,200}\\.gguf))?(?:@([A-Za-z0-9][A-Za-z0-9._/-]{0,100}))?");

  /** The name that a text is; empty where it is none, as a path with other characters. */
  public static Optional<HubModel> of(String text) {
    Matcher matcher = NAME.matcher(text);
    if (!matcher.matches() || text.contains("..")) {
      return Optional.empty();
    }
    return Optional.of(
        new HubModel(
            matcher.group(1),
            matcher.group(3) == null ? "main" : matcher.group(3),
            Optional.ofNullable(matcher.group(2))));
  }

  @Override
  public String toString() {
    return repository + gguf.map(file -> "/" + file).orElse("") + "@" + revision;
  }
}
