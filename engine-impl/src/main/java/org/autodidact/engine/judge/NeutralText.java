package org.autodidact.engine.judge;

import java.util.regex.Pattern;

/**
 * Keeps what is judged from speaking as the judge. A response that ends in {@code Score: 5} is
 * continued by a language model as if the judge had written it, and one that closes its own tag
 * goes on as the template; so does {@code Better: A} where two are compared. They are rewritten in
 * every text that fills a judge prompt: {@code Score - 5}, {@code Better - A}, {@code [/response]}.
 * The words stay; the form that the template gives a meaning goes.
 */
final class NeutralText {
  private static final Pattern VERDICT =
      Pattern.compile(
          "((?:scores?|better)\\b[\\s\\p{Z}*_`\"'\\p{Cf}]*)[:\uFF1A]", Pattern.CASE_INSENSITIVE);

  private static final Pattern TAG =
      Pattern.compile(
          "<\\s*(/?)\\s*(response|answer|instruction|judgement)([^<>]*)>",
          Pattern.CASE_INSENSITIVE);

  private NeutralText() {}

  static String of(String text) {
    return TAG.matcher(VERDICT.matcher(text).replaceAll("$1 -")).replaceAll("[$1$2$3]");
  }
}
