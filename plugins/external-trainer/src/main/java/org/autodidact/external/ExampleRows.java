package org.autodidact.external;

import com.fasterxml.jackson.databind.json.JsonMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import org.autodidact.api.Answer;
import org.autodidact.api.InvalidExampleException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.Message;
import org.autodidact.api.Probe;
import org.autodidact.api.TrainingExample;
import org.autodidact.api.TrainingRequest;
import org.autodidact.checkpoints.tokenizer.PromptEncoder;

/**
 * Examples in TRL's conversational form, with the token ids that our own trainer would train on:
 * those that were sampled, else those of prompt and text by the base's chat template, the answer
 * cut at {@code max-length}.
 */
final class ExampleRows {
  private static final JsonMapper JSON = new JsonMapper();

  private final TrainingRequest request;
  private final Optional<PromptEncoder> encoder;
  private final int maxLength;

  /**
   * @param encoder the base's; without one only answers that were sampled have ids
   */
  ExampleRows(TrainingRequest request, Optional<PromptEncoder> encoder) {
    this.request = request;
    this.encoder = encoder;
    this.maxLength =
        encoder.isPresent()
            ? Math.min(
                request.settings().maxLength(), PromptEncoder.longest(request.base().folder()))
            : request.settings().maxLength();
  }

  List<ObjectNode> examples(List<TrainingExample> examples, boolean heldOut) {
    List<ObjectNode> rows = new ArrayList<>();
    for (int i = 0; i < examples.size(); i++) {
      try {
        rows.add(row(examples.get(i)));
      } catch (InvalidExampleException e) {
        throw e;
      } catch (InvalidInputException e) {
        throw new InvalidExampleException(heldOut, i, e.getMessage());
      }
    }
    return rows;
  }

  private ObjectNode row(TrainingExample example) {
    ObjectNode row = JSON.createObjectNode();
    row.set("prompt", messages(example.prompt()));
    int room = maxLength - putPrompt(row, example.prompt());
    if (room < 1) {
      throw new InvalidInputException(
          "its prompt leaves no token of "
              + maxLength
              + " (max-length, or the model's context) for an answer; raise max-length or drop the"
              + " example");
    }
    if (example instanceof TrainingExample.Preference p) {
      putAnswer(row, "chosen", p.chosen(), room);
      putAnswer(row, "rejected", p.rejected(), room);
      row.put("consistency", p.consistency());
    } else if (example instanceof TrainingExample.Demonstration d) {
      putAnswer(row, "completion", d.response(), room);
    }
    return row;
  }

  List<ObjectNode> probes() {
    List<ObjectNode> rows = new ArrayList<>();
    for (Probe probe : request.probes()) {
      ObjectNode row = JSON.createObjectNode();
      row.set("prompt", messages(probe.prompt()));
      putPrompt(row, probe.prompt());
      putAnswer(row, "completion", probe.answer(), Integer.MAX_VALUE);
      rows.add(row);
    }
    return rows;
  }

  /** Returns the prompt's tokens, 0 where they are not known. */
  private int putPrompt(ObjectNode row, List<Message> prompt) {
    if (encoder.isEmpty()) {
      return 0;
    }
    int[] ids = encoder.get().prompt(prompt);
    put(row.putArray("prompt_ids"), ids);
    return ids.length;
  }

  private void putAnswer(ObjectNode row, String key, Answer answer, int room) {
    row.set(key, messages(List.of(Message.assistant(answer.text()))));
    if (!answer.ends()) {
      row.put(key + "_ends", false);
    }
    ids(answer)
        .ifPresent(
            ids -> put(row.putArray(key + "_ids"), Arrays.copyOf(ids, Math.min(ids.length, room))));
  }

  private Optional<int[]> ids(Answer answer) {
    if (!answer.tokens().isEmpty()) {
      return Optional.of(answer.tokens().stream().mapToInt(t -> t).toArray());
    }
    return encoder.map(
        e ->
            IntStream.concat(
                    Arrays.stream(e.text(answer.text())),
                    answer.ends() ? Arrays.stream(e.endOfTurn()) : IntStream.empty())
                .toArray());
  }

  private static ArrayNode messages(List<Message> messages) {
    ArrayNode array = JSON.createArrayNode();
    messages.forEach(m -> array.addObject().put("role", m.role()).put("content", m.content()));
    return array;
  }

  private static void put(ArrayNode array, int[] ids) {
    Arrays.stream(ids).forEach(array::add);
  }
}
