package org.autodidact.engine.data;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.autodidact.api.Message;
import org.autodidact.api.ShownText;
import org.autodidact.api.TrainingExample;
import org.autodidact.engine.data.JsonLines.Line;

/**
 * The one place where a row becomes a prompt, a demonstration or a preference, whichever command
 * reads it. It knows the forms that TRL, axolotl and LLaMA-Factory read (docs/configuration.md,
 * "Data"). A row may hold several forms at once, as UltraFeedback's do; then they must mean the
 * same, or it is refused by its keys, as none of them can be known to be the one that was meant.
 */
public final class Examples {
  private static final List<String> LISTS = List.of("messages", "conversations", "conversation");
  private static final List<String> ANSWERS = List.of("completion", "response", "output");

  /** Columns that say what a row is, and that nothing here can honour. */
  private static final List<String> NOT_READ =
      List.of(
          "tools",
          "functions",
          "images",
          "image",
          "videos",
          "video",
          "audios",
          "audio",
          "chat_template_kwargs");

  private Examples() {}

  /**
   * A prompt and two answers to it.
   *
   * @param prompt ends with what the user says
   */
  record Pair(List<Message> prompt, String chosen, String rejected) {}

  /** A conversation that a row has under {@code key}; {@code text}: said by a plain text alone. */
  private record Source(String key, boolean text, List<Message> messages) {
    Message last() {
      return messages.get(messages.size() - 1);
    }
  }

  /** An answer that a row has, and what was said before it where the same list has that too. */
  private record Given(String key, List<Message> before, String answer) {}

  /**
   * What a model is to answer: {@code prompt} (a text or a list), {@code messages}, {@code
   * conversations}, {@code instruction} with {@code input}, {@code question}, or what a
   * preference's lists begin with in common.
   */
  public static List<Message> prompt(Line line) {
    return asked(line, false);
  }

  /** The prompt of a demonstration, whose answer is left out. */
  public static List<Message> instruction(Line line) {
    return asked(line, true);
  }

  private static List<Message> asked(Line line, boolean answered) {
    refuseNotRead(line);
    List<Source> sources = sources(line);
    if (sources.isEmpty() && hasPair(line)) {
      return pair(line).prompt();
    }
    Optional<Source> separate = sources.stream().filter(s -> !endsWithAssistant(s)).findFirst();
    List<Source> asked = new ArrayList<>();
    for (Source s : sources) {
      boolean dialogue = endsWithAssistant(s) && s.messages().size() > 1;
      asked.add(dialogue && (separate.isPresent() || answered) ? withoutAnswer(s) : s);
    }
    return checked(line, one(line, asked));
  }

  /**
   * A demonstration: {@code messages} or {@code conversations} whose last is the assistant's (that
   * turn is learned, what is before it is the prompt), or a prompt with {@code completion}, {@code
   * response} or {@code output}.
   */
  public static TrainingExample demonstration(Line line) {
    AnsweredPrompt answered = answered(line);
    return new TrainingExample.Demonstration(
        answered.prompt(), line.requireWritten("the assistant's answer", answered.answer()));
  }

  /** The demonstration of a row whose answer may be empty. */
  static AnsweredPrompt answered(Line line) {
    refuseNotRead(line);
    if (line.json().path("label").isBoolean() || line.json().path("kto_tag").isBoolean()) {
      throw line.refused(
          "'label' and 'kto_tag' say whether an answer is good (KTO), which is not read here; keep the"
              + " good ones without it, or make pairs of chosen and rejected");
    }
    List<Source> sources = sources(line);
    Optional<Given> given = answer(line);
    List<AnsweredPrompt> found = new ArrayList<>();
    List<String> keys = new ArrayList<>();
    List<Source> prompts = new ArrayList<>();
    for (Source s : sources) {
      if (LISTS.contains(s.key()) && (endsWithAssistant(s) || given.isEmpty())) {
        found.add(split(line, s));
        keys.add(s.key());
      } else {
        prompts.add(s);
      }
    }
    boolean judged = line.has("judgement");
    if (judged && found.isEmpty()) {
      throw line.refused(
          "'judgement' is for a run's fine-tuning.eft; as a demonstration it needs 'messages', which"
              + " 'eft' writes beside it");
    }
    // in what 'eft' writes, instruction and response are what the judgement is about
    for (Source s : judged || found.isEmpty() ? List.<Source>of() : prompts) {
      if (!agrees(s, found.get(0).prompt())) {
        throw contradicting(line, keys.get(0), s.key());
      }
    }
    if (given.isPresent() && found.isEmpty() && !prompts.isEmpty()) {
      found.add(new AnsweredPrompt(one(line, prompts), given.get().answer()));
    } else if (given.isPresent()
        && !judged
        && !found.isEmpty()
        && !given.get().answer().equals(found.get(0).answer())) {
      throw contradicting(line, keys.get(0), given.get().key());
    }
    if (found.isEmpty()) {
      throw noDemonstration(line);
    }
    for (int i = 1; i < found.size(); i++) {
      if (!found.get(i).equals(found.get(0))) {
        throw contradicting(line, keys.get(0), keys.get(i));
      }
    }
    return new AnsweredPrompt(checked(line, found.get(0).prompt()), found.get(0).answer());
  }

  private static AnsweredPrompt split(Line line, Source s) {
    if (!s.last().role().equals("assistant") || s.messages().size() < 2) {
      throw line.refused(
          "the last of at least two messages of '"
              + s.key()
              + "' must be the assistant's, found role '"
              + ShownText.of(s.last().role(), 30)
              + "'");
    }
    JsonNode list = line.json().get(s.key());
    JsonNode last = list.get(list.size() - 1);
    if (last.path("weight").isNumber() && last.get("weight").asDouble() == 0
        || last.has("train") && !Dialogues.isGiven(last.get("train"))
        || last.has("training") && !Dialogues.isGiven(last.get("training"))) {
      throw line.refused(
          "the last message is marked as not to be trained, and it is what is trained here; drop it");
    }
    return new AnsweredPrompt(s.messages().subList(0, s.messages().size() - 1), s.last().content());
  }

  private static RuntimeException noDemonstration(Line line) {
    if (hasPair(line)) {
      return line.refused(
          "'chosen' and 'rejected' are a preference, for 'train dpo'; a demonstration has 'messages', or"
              + " 'prompt' and 'completion'");
    }
    if (line.has("text")) {
      return line.refused(
          "'text' alone does not say what is prompt and what is answer; give 'messages', or 'prompt' and"
              + " 'completion'");
    }
    return line.refused(
        "expected 'messages', or 'prompt' with 'completion' or 'response', or 'instruction' with"
            + " 'output'; found the keys "
            + line.keys());
  }

  /**
   * A preference: {@code chosen} and {@code rejected}, each a text, a message or a list of messages
   * whose last is the answer, with a prompt as for {@link #prompt} or as what both lists begin
   * with; {@code consistency} where it is not 1.
   */
  public static TrainingExample preference(Line line) {
    Pair pair = pair(line);
    line.requireWritten("'chosen'", pair.chosen());
    line.requireWritten("'rejected'", pair.rejected());
    if (pair.chosen().equals(pair.rejected())) {
      throw line.refused("'chosen' and 'rejected' are the same: nothing to prefer; drop the line");
    }
    return new TrainingExample.Preference(
        pair.prompt(), pair.chosen(), pair.rejected(), line.fraction("consistency", 1));
  }

  /** Whether the row has two answers of which one is the better. */
  static boolean hasPair(Line line) {
    return line.has("chosen") && line.has("rejected")
        || line.has("chosen_response") && line.has("rejected_response");
  }

  /** The preference of a row whose answers may be empty or equal. */
  static Pair pair(Line line) {
    refuseNotRead(line);
    boolean argilla = !line.has("chosen") && line.has("chosen_response");
    Given chosen = given(line, argilla ? "chosen_response" : "chosen");
    Given rejected = given(line, argilla ? "rejected_response" : "rejected");
    List<Source> sources = sources(line);
    List<Message> before = before(line, chosen, rejected, sources.isEmpty());
    String good = chosen.answer();
    String bad = rejected.answer();
    if (sources.isEmpty() && before.isEmpty()) {
      if (!Dialogues.isTurns(good) || !Dialogues.isTurns(bad)) {
        throw line.refused(
            "'chosen' and 'rejected' without a prompt must be lists of messages, or dialogues of 'Human:'"
                + " and 'Assistant:'; found the keys "
                + line.keys());
      }
      Given first = turns(line, "chosen", good);
      Given second = turns(line, "rejected", bad);
      before = before(line, first, second, true);
      good = first.answer();
      bad = second.answer();
    }
    return new Pair(checked(line, pairPrompt(line, sources, before, good)), good, bad);
  }

  private static List<Message> pairPrompt(
      Line line, List<Source> sources, List<Message> before, String chosen) {
    List<Source> prompts = new ArrayList<>();
    for (Source s : sources) {
      // UltraFeedback's messages are the prompt and the chosen answer
      boolean whole = endsWithAssistant(s) && (sources.size() > 1 || !before.isEmpty());
      if (whole && !s.last().content().equals(chosen)) {
        throw contradicting(line, s.key(), "chosen");
      }
      prompts.add(whole ? withoutAnswer(s) : s);
    }
    if (before.isEmpty()) {
      boolean answered = prompts.stream().anyMatch(s -> !sources.contains(s));
      return answered ? longest(line, prompts) : one(line, prompts);
    }
    for (Source s : prompts) {
      if (!agrees(s, before) && !agrees(s, withSystem(line, before))) {
        throw contradicting(line, s.key(), "chosen");
      }
    }
    return before;
  }

  /** The common prompt of both answers' lists: each without its last message. */
  private static List<Message> before(Line line, Given chosen, Given rejected, boolean only) {
    if (!chosen.before().equals(rejected.before())) {
      if (chosen.before().isEmpty() != rejected.before().isEmpty() && !only) {
        throw line.refused(
            "one of 'chosen' and 'rejected' has the prompt in it, the other has not");
      }
      int same = 0;
      while (same < Math.min(chosen.before().size(), rejected.before().size())
          && chosen.before().get(same).equals(rejected.before().get(same))) {
        same++;
      }
      throw line.refused(
          "'chosen' and 'rejected' must be one dialogue but for their last messages; they differ from"
              + " message "
              + same
              + " on");
    }
    List<Message> before = chosen.before();
    if (!before.isEmpty()
        && (before.get(0).role().equals("assistant")
            || before.stream().noneMatch(m -> m.role().equals("user")))) {
      throw line.refused(
          "'chosen' and 'rejected' have several messages and begin with the '"
              + ShownText.of(before.get(0).role(), 30)
              + "'; an answer is one message");
    }
    return before;
  }

  private static Given turns(Line line, String key, String text) {
    List<Message> turns = Dialogues.turns(text);
    Message last = turns.isEmpty() ? Message.user("") : turns.get(turns.size() - 1);
    if (!last.role().equals("assistant")) {
      // HH has answers that are empty
      return new Given(key, turns, "");
    }
    return new Given(key, turns.subList(0, turns.size() - 1), last.content());
  }

  private static Given given(Line line, String key) {
    JsonNode value = line.json().path(key);
    if (value.isObject()) {
      return answer(line, key, List.of(Dialogues.message(line, "'" + key + "'", value)));
    }
    if (value.isArray()) {
      return answer(line, key, Dialogues.messages(line, key));
    }
    return new Given(key, List.of(), line.text(key));
  }

  private static Given answer(Line line, String key, List<Message> messages) {
    Message last = messages.get(messages.size() - 1);
    if (!last.role().equals("assistant")) {
      throw line.refused(
          "'"
              + key
              + "' must end with the assistant's message, found role '"
              + ShownText.of(last.role(), 30)
              + "'");
    }
    return new Given(key, messages.subList(0, messages.size() - 1), last.content());
  }

  /** The answer beside a prompt; several keys must say the same. */
  private static Optional<Given> answer(Line line) {
    Optional<Given> found = Optional.empty();
    for (String key : ANSWERS) {
      if (line.has(key)) {
        Given next = given(line, key);
        if (!next.before().isEmpty()) {
          throw line.refused("'" + key + "' has several messages; an answer is one message");
        }
        if (found.isPresent() && !found.get().answer().equals(next.answer())) {
          throw contradicting(line, found.get().key(), key);
        }
        found = found.or(() -> Optional.of(next));
      }
    }
    if (found.isEmpty() && line.json().path("answer").isTextual()) {
      return Optional.of(given(line, "answer"));
    }
    return found;
  }

  /** Every conversation that the row has by itself, lists first. */
  private static List<Source> sources(Line line) {
    List<Source> sources = new ArrayList<>();
    for (String key : LISTS) {
      if (line.has(key)) {
        boolean text = line.json().get(key).isTextual();
        sources.add(
            text
                ? new Source(key, true, List.of(Message.user(line.text(key))))
                : new Source(key, false, Dialogues.messages(line, key)));
      }
    }
    if (line.has("prompt")) {
      sources.add(promptSource(line));
    }
    if (line.has("instruction")) {
      sources.add(alpaca(line));
    }
    if (sources.isEmpty()) {
      for (String key : List.of("question", "input")) {
        if (sources.isEmpty() && line.has(key)) {
          sources.add(new Source(key, true, List.of(Message.user(line.text(key)))));
        }
      }
    }
    return sources;
  }

  private static Source promptSource(Line line) {
    if (line.json().get("prompt").isArray()) {
      return new Source("prompt", false, Dialogues.messages(line, "prompt"));
    }
    String text = line.text("prompt");
    return Dialogues.isTurns(text) && text.stripTrailing().endsWith("Assistant:")
        ? new Source("prompt", false, Dialogues.turns(text.stripTrailing()))
        : new Source("prompt", true, List.of(Message.user(text)));
  }

  /**
   * Alpaca's and LLaMA-Factory's: {@code history} of questions and answers, the instruction, and
   * after an empty line what it is about: {@code input}, Dolly's {@code context}, or the input of
   * the first of {@code instances} (self-instruct's tasks).
   */
  private static Source alpaca(Line line) {
    List<Message> messages = new ArrayList<>();
    for (JsonNode turn : line.json().path("history")) {
      if (turn.size() != 2 || !turn.path(0).isTextual() || !turn.path(1).isTextual()) {
        throw line.refused("'history' must be a list of pairs of texts, question and answer");
      }
      messages.add(Message.user(Line.encodable(turn.get(0).asText())));
      messages.add(Message.assistant(Line.encodable(turn.get(1).asText())));
    }
    JsonNode instance = line.json().path("instances").path(0).path("input");
    String about =
        instance.isTextual()
            ? Line.encodable(instance.asText())
            : line.optionalText("input").or(() -> line.optionalText("context")).orElse("");
    String instruction = line.text("instruction");
    messages.add(
        Message.user(
            about.isBlank()
                ? instruction
                : instruction.isBlank() ? about.strip() : instruction + "\n\n" + about.strip()));
    return new Source("instruction", messages.size() == 1, messages);
  }

  private static boolean endsWithAssistant(Source s) {
    return s.last().role().equals("assistant");
  }

  private static Source withoutAnswer(Source s) {
    return new Source(s.key(), s.text(), s.messages().subList(0, s.messages().size() - 1));
  }

  /** The common value of all forms; a text agrees with a list that ends with it. */
  private static List<Message> one(Line line, List<Source> sources) {
    if (sources.isEmpty()) {
      throw line.refused(
          "the text 'prompt' is missing, and so are 'messages', 'conversations' and 'instruction'; found"
              + " the keys "
              + line.keys());
    }
    Source first = sources.get(0);
    for (Source s : sources) {
      boolean same =
          s.text() && !first.text()
              ? said(s).equals(first.last().content().strip()) && first.last().role().equals("user")
              : s.messages().equals(first.messages());
      if (!same) {
        throw contradicting(line, first.key(), s.key());
      }
    }
    return first.messages();
  }

  /**
   * The common value where one form is known to be whole, as it ends with the answer; a text may be
   * its beginning.
   */
  private static List<Message> longest(Line line, List<Source> sources) {
    Source first = sources.get(0);
    for (Source s : sources) {
      if (!agrees(s, first.messages())) {
        throw contradicting(line, first.key(), s.key());
      }
    }
    return first.messages();
  }

  private static String said(Source s) {
    return s.last().content().strip();
  }

  /** Whether a list is the dialogue, or a text the first or last that the user says in it. */
  private static boolean agrees(Source s, List<Message> dialogue) {
    if (!s.text()) {
      return s.messages().equals(dialogue);
    }
    List<String> user =
        dialogue.stream()
            .filter(m -> m.role().equals("user"))
            .map(m -> m.content().strip())
            .toList();
    return !user.isEmpty()
        && (user.get(0).equals(said(s)) || user.get(user.size() - 1).equals(said(s)));
  }

  /** The conversation with the row's system text, checked to be a prompt. */
  private static List<Message> checked(Line line, List<Message> messages) {
    List<Message> prompt = withSystem(line, messages);
    Message last = prompt.get(prompt.size() - 1);
    if (last.role().equals("assistant")) {
      throw line.refused(
          "the prompt ends with the assistant's own turn; drop that turn, or give the rest of it as part"
              + " of the answers");
    }
    if (last.content().isBlank()) {
      throw line.refused("the prompt is empty; drop the line, or write what is asked");
    }
    return prompt;
  }

  private static List<Message> withSystem(Line line, List<Message> messages) {
    Optional<String> system = systemText(line);
    if (system.isEmpty()) {
      return messages;
    }
    if (messages.get(0).role().equals("system")) {
      if (!messages.get(0).content().strip().equals(system.get().strip())) {
        throw line.refused("'system' and the system message in the conversation are not the same");
      }
      return messages;
    }
    List<Message> all = new ArrayList<>();
    all.add(new Message("system", system.get()));
    all.addAll(messages);
    return all;
  }

  private static Optional<String> systemText(Line line) {
    return line.has("system")
        ? line.optionalText("system").filter(s -> !s.isBlank())
        : line.optionalText("system_prompt").filter(s -> !s.isBlank());
  }

  private static void refuseNotRead(Line line) {
    for (String key : NOT_READ) {
      if (Dialogues.isGiven(line.json().path(key))) {
        throw line.refused(
            "'" + key + "' is not read here, and the row means something else without it; drop it");
      }
    }
  }

  private static RuntimeException contradicting(Line line, String one, String other) {
    return line.refused(
        "'" + one + "' and '" + other + "' say different things; drop the one that is not meant");
  }
}
