package org.autodidact.checkpoints;

import java.time.LocalDate;
import java.time.ZoneId;
import java.time.format.DateTimeFormatter;
import java.util.Locale;
import org.autodidact.api.InvalidInputException;

/** What Hugging Face adds to Jinja for chat templates. Public because Jinjava calls it. */
public final class JinjaFunctions {
  private JinjaFunctions() {}

  /** {@code raise_exception}: the template refuses the conversation. */
  public static String raiseException(String message) {
    throw new InvalidInputException("the chat template refuses this conversation: " + message);
  }

  /** {@code strftime_now}: today, in the formats that templates use. */
  public static String strftimeNow(String format) {
    String java =
        format
            .replace("%d", "dd")
            .replace("%b", "MMM")
            .replace("%B", "MMMM")
            .replace("%Y", "yyyy")
            .replace("%m", "MM");
    return LocalDate.now(ZoneId.systemDefault())
        .format(DateTimeFormatter.ofPattern(java, Locale.ENGLISH));
  }
}
