package org.autodidact.checkpoints.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;

/** The methods of Python's dict, list and tuple that change nothing; the others are refused. */
final class CollectionMethods {
  private static final Set<String> CHANGES_MAP =
      Set.of("clear", "pop", "popitem", "setdefault", "update");

  private static final Set<String> CHANGES_LIST =
      Set.of("append", "clear", "extend", "insert", "pop", "remove", "reverse", "sort");

  private CollectionMethods() {}

  static Optional<Callable> ofMap(Map<?, ?> map, String name) {
    return switch (name) {
      case "get" ->
          Optional.of(
              (frame, arguments) -> {
                Object[] given = arguments.bind(1, "key", "default");
                Object key = Values.key(given[0]);
                return map.containsKey(key) ? map.get(key) : Arguments.or(given[1], null);
              });
      case "items" -> listing((budget) -> items(map, budget));
      case "keys" -> listing(budget -> Values.list(map, budget));
      case "values" ->
          listing(
              budget -> {
                budget.elements(map.size());
                return new ArrayList<>(map.values());
              });
      case "copy" ->
          Optional.of(
              (frame, arguments) -> {
                arguments.bind();
                frame.budget().elements(2L * map.size());
                return new LinkedHashMap<Object, Object>(map);
              });
      default -> CHANGES_MAP.contains(name) ? refused("dict", name) : Optional.empty();
    };
  }

  /** The pairs of key and value. */
  static List<Object> items(Map<?, ?> map, Budget budget) {
    budget.elements(3L * map.size());
    List<Object> pairs = new ArrayList<>();
    map.forEach((key, value) -> pairs.add(Tuple.of(key, value)));
    return pairs;
  }

  private interface Listing {
    List<Object> of(Budget budget);
  }

  private static Optional<Callable> listing(Listing listing) {
    return Optional.of(
        (frame, arguments) -> {
          arguments.bind();
          return listing.of(frame.budget());
        });
  }

  static Optional<Callable> ofList(List<?> list, String name) {
    return switch (name) {
      case "count" ->
          Optional.of(
              (frame, arguments) -> {
                Object wanted = arguments.bind(1, "value")[0];
                return list.stream()
                    .filter(item -> Values.equal(item, wanted, frame.budget()))
                    .count();
              });
      case "index" ->
          Optional.of(
              (frame, arguments) -> {
                Object wanted = arguments.bind(1, "value")[0];
                for (int i = 0; i < list.size(); i++) {
                  if (Values.equal(list.get(i), wanted, frame.budget())) {
                    return (long) i;
                  }
                }
                throw new JinjaException("the value is not in the list");
              });
      case "copy" -> listing(budget -> new ArrayList<>(Values.list(list, budget)));
      default -> CHANGES_LIST.contains(name) ? refused("list", name) : Optional.empty();
    };
  }

  private static Optional<Callable> refused(String type, String name) {
    return Optional.of(
        (frame, arguments) -> {
          throw new JinjaException(
              "the "
                  + type
                  + " method '"
                  + name
                  + "' changes a value; Jinja's sandbox forbids that");
        });
  }
}
