package org.autodidact.opennlp;

import java.io.IOException;
import java.io.InputStream;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.MissingResourceException;
import opennlp.tools.langdetect.Language;
import opennlp.tools.langdetect.LanguageDetectorME;
import opennlp.tools.langdetect.LanguageDetectorModel;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.PromptFilter;
import org.autodidact.api.StorageException;

/**
 * Accepts what may be in a language. The detector weighs 103 languages by their letters and is
 * unsure of short texts and of code, so that a text is only rejected where another language is
 * likelier by a third.
 */
final class LanguageFilter implements PromptFilter {
  private static final String MODEL = "/langdetect-183.bin";
  private static final double MAY_BE = 0.75;

  private final LanguageDetectorME detector;
  private final String wanted;

  /** {@code language} is an ISO 639 code of two or three letters. */
  LanguageFilter(String language) {
    try (InputStream in = LanguageFilter.class.getResourceAsStream(MODEL)) {
      detector = new LanguageDetectorME(new LanguageDetectorModel(in));
    } catch (IOException e) {
      throw new StorageException("the language model cannot be read: " + e, e);
    }
    wanted = threeLetters(language);
    List<String> known = Arrays.stream(detector.getSupportedLanguages()).sorted().toList();
    if (!known.contains(wanted)) {
      throw new InvalidInputException(
          "language must be an ISO 639 code that the filter 'language' knows, found '"
              + language
              + "'; it knows "
              + known);
    }
  }

  private static String threeLetters(String language) {
    try {
      return Locale.forLanguageTag(language).getISO3Language();
    } catch (MissingResourceException e) {
      return language;
    }
  }

  @Override
  public boolean accepts(String prompt) {
    Language[] likeliestFirst = detector.predictLanguages(prompt);
    double found =
        Arrays.stream(likeliestFirst)
            .filter(l -> l.getLang().equals(wanted))
            .mapToDouble(Language::getConfidence)
            .sum();
    return found >= MAY_BE * likeliestFirst[0].getConfidence();
  }
}
