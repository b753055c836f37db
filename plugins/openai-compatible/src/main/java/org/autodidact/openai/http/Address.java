package org.autodidact.openai.http;

import java.net.URI;
import java.net.URISyntaxException;
import java.util.Locale;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;

/**
 * Where a server is, up to the version of its interface, as {@code http://localhost:8000/v1}. There
 * is no password in it, so that it may be shown.
 */
public record Address(URI uri) {
  private static final String EXPECTED =
      "the option 'url' must be an address as http://localhost:8000/v1";

  /**
   * Reads an address.
   *
   * @throws InvalidInputException for what is none, and for one with a password or a query, which
   *     would be kept with the run
   */
  public static Address parse(String text) {
    URI uri;
    try {
      uri = new URI(text.strip().replaceAll("/+$", ""));
    } catch (URISyntaxException e) {
      // the text is not shown: a password may be in it
      throw new InvalidInputException(EXPECTED + "; what is given is no URL");
    }
    if (uri.getRawUserInfo() != null || uri.getRawQuery() != null || uri.getRawFragment() != null) {
      throw new InvalidInputException(
          EXPECTED
              + ", without a user, a query or a fragment; a key belongs into an environment"
              + " variable, which the option 'key' names");
    }
    String scheme = uri.getScheme() == null ? "" : uri.getScheme().toLowerCase(Locale.ROOT);
    if (!scheme.equals("http") && !scheme.equals("https") || uri.getHost() == null) {
      throw new InvalidInputException(EXPECTED + ", found '" + ShownText.of(text, 60) + "'");
    }
    return new Address(uri);
  }

  /** The address of a path below it, as {@code /models}. */
  URI at(String path) {
    return URI.create(uri + path);
  }

  /** The address of a path of the server itself, beside {@code /v1}. */
  URI atRoot(String path) {
    return URI.create(uri.toString().replaceAll("/v[0-9]+$", "") + path);
  }

  @Override
  public String toString() {
    return uri.toString();
  }
}
