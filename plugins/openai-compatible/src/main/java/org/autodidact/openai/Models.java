package org.autodidact.openai;

import com.fasterxml.jackson.databind.JsonNode;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import org.autodidact.api.Cancellation;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.ShownText;
import org.autodidact.openai.http.Concurrently;
import org.autodidact.openai.http.Server;

/**
 * The models that a server says it has.
 *
 * @param kind the program that serves
 * @param names empty where the server has no list, or a longer one
 * @param vocabulary how many token ids the first model has, where the server says so
 */
record Models(ServerKind kind, List<String> names, OptionalInt vocabulary) {
  private static final int SHOWN = 5;

  /** Asks the server. */
  static Models of(Server server, Cancellation cancellation) {
    List<Models> found = new ArrayList<>();
    Concurrently.<Models>run(1, List.of(isEnding -> listed(server)), found::add, cancellation);
    return found.get(0);
  }

  private static Models listed(Server server) {
    Optional<JsonNode> found = server.get("/models");
    if (found.isEmpty()) {
      return new Models(ServerKind.OTHER, List.of(), OptionalInt.empty());
    }
    JsonNode data = found.get().path("data");
    if (!data.isArray()) {
      throw new InvalidInputException(
          server.address()
              + "/models answers no list of models: '"
              + ShownText.of(found.get(), 100)
              + "'; is 'url' right, with its version, as http://localhost:8000/v1?");
    }
    List<String> names = new ArrayList<>();
    if (!found.get().path("has_more").asBoolean()) { // a page of many says nothing of the others
      data.forEach(model -> names.add(model.path("id").asText("")));
    }
    JsonNode vocabulary = data.path(0).at("/meta/n_vocab");
    return new Models(
        ServerKind.of(found.get()),
        names,
        vocabulary.isInt() ? OptionalInt.of(vocabulary.intValue()) : OptionalInt.empty());
  }

  /**
   * Checks that a model is there.
   *
   * @throws InvalidInputException that names those there are
   */
  void require(String model, Server server) {
    if (!names.isEmpty() && !names.contains(model)) {
      throw new InvalidInputException(
          server.address()
              + " has no model '"
              + ShownText.of(model, 60)
              + "'; it has "
              + shown()
              + ". Name one of them by 'model' of the run or the judge, or by the generator's option"
              + " 'model'");
    }
  }

  /** The first few names. */
  String shown() {
    return ShownText.of(names.subList(0, Math.min(SHOWN, names.size())), 120)
        + (names.size() > SHOWN ? " and " + (names.size() - SHOWN) + " more" : "");
  }
}
