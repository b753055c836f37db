package org.autodidact.checkpoints.jinja;

import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.function.IntPredicate;

/** The methods of Python's str. */
final class TextMethods {
  private static final Set<String> UNSUPPORTED =
      Set.of("encode", "format", "format_map", "maketrans", "translate", "casefold", "expandtabs");

  private static final Set<String> NAMES =
      Set.of(
          "capitalize",
          "center",
          "count",
          "endswith",
          "find",
          "index",
          "isalnum",
          "isalpha",
          "isascii",
          "isdecimal",
          "isdigit",
          "isidentifier",
          "islower",
          "isnumeric",
          "isprintable",
          "isspace",
          "istitle",
          "isupper",
          "join",
          "ljust",
          "lower",
          "lstrip",
          "partition",
          "removeprefix",
          "removesuffix",
          "replace",
          "rfind",
          "rindex",
          "rjust",
          "rpartition",
          "rsplit",
          "rstrip",
          "split",
          "splitlines",
          "startswith",
          "strip",
          "swapcase",
          "title",
          "upper",
          "zfill");

  private TextMethods() {}

  static Optional<Callable> find(String text, String name) {
    if (NAMES.contains(name)) {
      return Optional.of((frame, arguments) -> call(text, name, arguments, frame.budget()));
    } else if (UNSUPPORTED.contains(name)) {
      throw new JinjaException("the text method '" + name + "' is not supported");
    }
    return Optional.empty();
  }

  private static Object call(String text, String name, Arguments arguments, Budget budget) {
    budget.text(text.length());
    for (Object argument : arguments.positional()) {
      if (argument instanceof String part) {
        budget.search(text, part);
      }
    }
    return switch (name) {
      case "strip", "lstrip", "rstrip" ->
          strip(text, arguments.bind("chars")[0], !name.startsWith("r"), !name.startsWith("l"));
      case "split", "rsplit" -> {
        Object[] given = arguments.bind("sep", "maxsplit");
        long most = given[1] == Arguments.ABSENT ? -1 : Values.toLong(given[1]);
        Object separator = Arguments.or(given[0], null);
        List<Object> parts =
            separator == null
                ? splitAtSpace(text, most, name.equals("rsplit"))
                : split(text, separator(separator), most, name.equals("rsplit"));
        budget.elements(parts.size());
        yield parts;
      }
      case "splitlines" ->
          splitLines(text, Values.truth(Arguments.or(arguments.bind("keepends")[0], false)));
      case "partition", "rpartition" ->
          partition(text, separator(arguments.bind(1, "sep")[0]), name.equals("rpartition"));
      case "startswith", "endswith" -> startsOrEnds(text, name.equals("startswith"), arguments);
      case "find", "index", "rfind", "rindex" -> find(text, name, arguments);
      case "count" -> count(text, arguments);
      case "replace" -> {
        Object[] given = arguments.bind(2, "old", "new", "count");
        yield replace(
            text,
            Values.toText(given[0]),
            Values.toText(given[1]),
            given[2] == Arguments.ABSENT ? -1 : Values.toLong(given[2]),
            budget);
      }
      case "removeprefix", "removesuffix" -> {
        String part = Values.toText(arguments.bind(1, "part")[0]);
        if (name.equals("removeprefix")) {
          yield text.startsWith(part) ? text.substring(part.length()) : text;
        }
        yield text.endsWith(part) && !part.isEmpty()
            ? text.substring(0, text.length() - part.length())
            : text;
      }
      case "join" -> join(text, arguments.bind(1, "iterable")[0], budget);
      case "ljust", "rjust", "center", "zfill" -> padded(text, name, arguments, budget);
      default -> {
        arguments.bind();
        yield changedOrTested(text, name);
      }
    };
  }

  private static Object changedOrTested(String text, String name) {
    return switch (name) {
      case "upper" -> text.toUpperCase(Locale.ROOT);
      case "lower" -> text.toLowerCase(Locale.ROOT);
      case "capitalize" -> capitalize(text);
      case "title" -> title(text);
      case "swapcase" ->
          mapped(
              text,
              c ->
                  Character.isUpperCase(c)
                      ? Character.toString(c).toLowerCase(Locale.ROOT)
                      : Character.toString(c).toUpperCase(Locale.ROOT));
      case "isalnum" -> all(text, Character::isLetterOrDigit);
      case "isalpha" -> all(text, Character::isLetter);
      case "isascii" -> text.chars().allMatch(c -> c < 128);
      case "isdecimal" -> all(text, c -> Character.getType(c) == Character.DECIMAL_DIGIT_NUMBER);
      case "isdigit" -> all(text, c -> Character.isDigit(c) || isSuperscript(c));
      case "isnumeric" ->
          all(
              text,
              c ->
                  Character.isDigit(c)
                      || Character.getType(c) == Character.OTHER_NUMBER
                      || Character.getType(c) == Character.LETTER_NUMBER);
      case "isspace" -> all(text, PythonText::isSpace);
      case "isprintable" -> text.codePoints().allMatch(PythonText::isPrintable);
      case "isidentifier" ->
          all(text, c -> c == '_' || Character.isLetterOrDigit(c))
              && !Character.isDigit(text.codePointAt(0));
      case "islower" -> isCase(text, true);
      case "isupper" -> isCase(text, false);
      default -> !text.isEmpty() && hasLetter(text) && title(text).equals(text);
    };
  }

  private static boolean isSuperscript(int c) {
    return c == 0xB2
        || c == 0xB3
        || c == 0xB9
        || (c >= 0x2070 && c <= 0x2079)
        || (c >= 0x2080 && c <= 0x2089);
  }

  private static boolean all(String text, IntPredicate test) {
    return !text.isEmpty() && text.codePoints().allMatch(test);
  }

  private static boolean hasLetter(String text) {
    return text.codePoints().anyMatch(TextMethods::hasCase);
  }

  private static boolean hasCase(int c) {
    return Character.isUpperCase(c) || Character.isLowerCase(c) || Character.isTitleCase(c);
  }

  static boolean isCase(String text, boolean lower) {
    return hasLetter(text)
        && text.codePoints()
            .noneMatch(
                c ->
                    Character.isTitleCase(c)
                        || (lower ? Character.isUpperCase(c) : Character.isLowerCase(c)));
  }

  private interface Mapping {
    String of(int codePoint);
  }

  private static String mapped(String text, Mapping mapping) {
    StringBuilder result = new StringBuilder();
    text.codePoints().forEach(c -> result.append(mapping.of(c)));
    return result.toString();
  }

  private static String titled(int c) {
    String special = Character.toString(c).toUpperCase(Locale.ROOT);
    return special.codePointCount(0, special.length()) > 1
        ? special.substring(0, 1) + special.substring(1).toLowerCase(Locale.ROOT)
        : Character.toString(Character.toTitleCase(c));
  }

  static String capitalize(String text) {
    if (text.isEmpty()) {
      return "";
    }
    int first = Character.charCount(text.codePointAt(0));
    return titled(text.codePointAt(0)) + text.substring(first).toLowerCase(Locale.ROOT);
  }

  private static String title(String text) {
    StringBuilder result = new StringBuilder();
    boolean inside = false;
    for (int c : text.codePoints().toArray()) {
      result.append(inside ? Character.toString(c).toLowerCase(Locale.ROOT) : titled(c));
      inside = hasCase(c);
    }
    return result.toString();
  }

  static String strip(String text, Object characters, boolean left, boolean right) {
    boolean space = characters == Arguments.ABSENT || characters == null;
    String set = space ? "" : Values.toText(characters);
    IntPredicate stripped = space ? PythonText::isSpace : c -> set.indexOf(c) >= 0;
    int from = 0;
    int to = text.length();
    while (left && from < to && stripped.test(text.codePointAt(from))) {
      from += Character.charCount(text.codePointAt(from));
    }
    while (right && from < to && stripped.test(text.codePointBefore(to))) {
      to -= Character.charCount(text.codePointBefore(to));
    }
    return text.substring(from, to);
  }

  private static String separator(Object separator) {
    String text = Values.toText(separator);
    if (text.isEmpty()) {
      throw new JinjaException("empty separator");
    }
    return text;
  }

  private static List<Object> split(String text, String separator, long most, boolean right) {
    List<Object> parts = new ArrayList<>();
    if (right && most >= 0) {
      int to = text.length();
      for (long i = 0; i < most; i++) {
        int at =
            to < separator.length() ? -1 : text.lastIndexOf(separator, to - separator.length());
        if (at < 0) {
          break;
        }
        parts.add(text.substring(at + separator.length(), to));
        to = at;
      }
      parts.add(text.substring(0, to));
      Collections.reverse(parts);
      return parts;
    }
    int from = 0;
    for (long i = 0; most < 0 || i < most; i++) {
      int at = text.indexOf(separator, from);
      if (at < 0) {
        break;
      }
      parts.add(text.substring(from, at));
      from = at + separator.length();
    }
    parts.add(text.substring(from));
    return parts;
  }

  /** At runs of white space; at most {@code most} times, from the right if {@code right}. */
  private static List<Object> splitAtSpace(String text, long most, boolean right) {
    List<int[]> words = new ArrayList<>();
    int at = 0;
    while (at < text.length()) {
      if (PythonText.isSpace(text.charAt(at))) {
        at++;
        continue;
      }
      int from = at;
      while (at < text.length() && !PythonText.isSpace(text.charAt(at))) {
        at++;
      }
      words.add(new int[] {from, at});
    }
    // What is not split stays one part, with the white space at its outer end.
    int unsplit = most < 0 || words.size() <= most ? 0 : (int) (words.size() - most);
    List<Object> parts = new ArrayList<>();
    if (unsplit > 0 && right) {
      parts.add(text.substring(0, words.get(unsplit - 1)[1]));
    }
    int alone = unsplit == 0 ? words.size() : (int) most;
    for (int[] word : right ? words.subList(unsplit, words.size()) : words.subList(0, alone)) {
      parts.add(text.substring(word[0], word[1]));
    }
    if (unsplit > 0 && !right) {
      parts.add(text.substring(words.get(alone)[0]));
    }
    return parts;
  }

  static List<Object> splitLines(String text, boolean keepEnds) {
    List<Object> lines = new ArrayList<>();
    int from = 0;
    for (int i = 0; i < text.length(); i++) {
      char c = text.charAt(i);
      if (c >= '\n' && c <= '\r'
          || c >= 0x1C && c <= 0x1E
          || c == 0x85
          || c == 0x2028
          || c == 0x2029) {
        int end = i;
        if (c == '\r' && i + 1 < text.length() && text.charAt(i + 1) == '\n') {
          i++;
        }
        lines.add(text.substring(from, keepEnds ? i + 1 : end));
        from = i + 1;
      }
    }
    if (from < text.length()) {
      lines.add(text.substring(from));
    }
    return lines;
  }

  private static Tuple partition(String text, String separator, boolean last) {
    int at = last ? text.lastIndexOf(separator) : text.indexOf(separator);
    if (at < 0) {
      return last ? Tuple.of("", "", text) : Tuple.of(text, "", "");
    }
    return Tuple.of(text.substring(0, at), separator, text.substring(at + separator.length()));
  }

  private static boolean startsOrEnds(String text, boolean start, Arguments arguments) {
    Object[] given = arguments.bind(1, "prefix", "start", "end");
    String part = part(text, given[1], given[2]);
    List<?> ends = given[0] instanceof Tuple tuple ? tuple : List.of(Values.toText(given[0]));
    return ends.stream()
        .map(Values::toText)
        .anyMatch(end -> start ? part.startsWith(end) : part.endsWith(end));
  }

  private static String part(String text, Object from, Object to) {
    if (from == Arguments.ABSENT) {
      return text;
    }
    int length = PythonText.length(text);
    int start = bound(from, 0, length);
    return PythonText.slice(text, start, Math.max(start, bound(to, length, length)));
  }

  private static int bound(Object bound, int otherwise, int length) {
    if (bound == Arguments.ABSENT || bound == null) {
      return otherwise;
    }
    long at = Values.toLong(bound);
    return (int) Math.max(0, Math.min(length, at < 0 ? at + length : at));
  }

  private static Object find(String text, String name, Arguments arguments) {
    Object[] given = arguments.bind(1, "sub", "start", "end");
    String wanted = Values.toText(given[0]);
    String part = part(text, given[1], given[2]);
    int at = name.startsWith("r") ? part.lastIndexOf(wanted) : part.indexOf(wanted);
    if (at < 0) {
      if (name.endsWith("index")) {
        throw new JinjaException("substring not found: '" + wanted + "'");
      }
      return -1L;
    }
    int skipped = given[1] == Arguments.ABSENT ? 0 : bound(given[1], 0, PythonText.length(text));
    return (long) skipped + part.codePointCount(0, at);
  }

  private static Object count(String text, Arguments arguments) {
    Object[] given = arguments.bind(1, "sub", "start", "end");
    String wanted = Values.toText(given[0]);
    String part = part(text, given[1], given[2]);
    if (wanted.isEmpty()) {
      return PythonText.length(part) + 1L;
    }
    return split(part, wanted, -1, false).size() - 1L;
  }

  static String replace(String text, String old, String with, long most, Budget budget) {
    budget.search(text, old);
    if (old.isEmpty()) {
      return interleaved(text, with, most, budget);
    }
    List<Object> parts = split(text, old, most, false);
    budget.text(text.length() + (parts.size() - 1L) * Math.max(0, with.length() - old.length()));
    StringBuilder result = new StringBuilder((String) parts.get(0));
    parts.subList(1, parts.size()).forEach(part -> result.append(with).append(part));
    return result.toString();
  }

  /** Python replaces the empty text between all characters. */
  private static String interleaved(String text, String with, long most, Budget budget) {
    budget.text(text.length() + (text.length() + 1L) * with.length());
    StringBuilder result = new StringBuilder();
    long left = most < 0 ? Long.MAX_VALUE : most;
    for (Object character : PythonText.characters(text)) {
      result.append(left-- > 0 ? with : "").append(character);
    }
    return result.append(left > 0 ? with : "").toString();
  }

  static String join(String separator, Object items, Budget budget) {
    StringBuilder result = new StringBuilder();
    String between = "";
    for (Object item : Values.list(items, budget)) {
      String part = Values.toText(item);
      budget.text(between.length() + part.length());
      result.append(between).append(part);
      between = separator;
    }
    return result.toString();
  }

  private static String padded(String text, String name, Arguments arguments, Budget budget) {
    Object[] given = arguments.bind(1, "width", "fillchar");
    String fill = name.equals("zfill") ? "0" : Values.toText(Arguments.or(given[1], " "));
    if (PythonText.length(fill) != 1) {
      throw new JinjaException(name + "() fills with one character, found '" + fill + "'");
    }
    long missing = Math.max(0, Values.toLong(given[0]) - PythonText.length(text));
    budget.text(missing * fill.length());
    int count = (int) missing;
    return switch (name) {
      case "ljust" -> text + fill.repeat(count);
      case "rjust" -> fill.repeat(count) + text;
      case "zfill" -> {
        int sign = text.startsWith("-") || text.startsWith("+") ? 1 : 0;
        yield text.substring(0, sign) + fill.repeat(count) + text.substring(sign);
      }
      default -> {
        // As CPython: the odd one goes left where the width is odd.
        int left = count / 2 + (count & (int) Values.toLong(given[0]) & 1);
        yield fill.repeat(left) + text + fill.repeat(count - left);
      }
    };
  }
}
