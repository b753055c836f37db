package org.autodidact.onnxruntime.batching;

import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.function.Function;
import org.autodidact.api.InvalidInputException;

/** Checks that no two requests of a call have one id. */
public final class UniqueIds {
  private UniqueIds() {}

  /** Refuses a second request with an id; {@code kind} names the ids in the message. */
  public static <T> void require(String kind, List<T> requests, Function<T, String> id) {
    Set<String> seen = new HashSet<>();
    for (T request : requests) {
      if (!seen.add(id.apply(request))) {
        throw new InvalidInputException(
            kind + " id '" + id.apply(request) + "' occurs twice; ids must be unique in a call");
      }
    }
  }
}
