package org.autodidact.checkpoints.jinja;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/**
 * What a call passes.
 *
 * @param owner what is called, for errors
 */
record Arguments(String owner, List<Object> positional, Map<String, Object> named) {
  /** In place of a parameter that was not given; null is None. */
  static final Object ABSENT = new Object();

  static Arguments none(String owner) {
    return new Arguments(owner, List.of(), Map.of());
  }

  /** Without the first positional one. */
  Arguments rest(String newOwner) {
    return new Arguments(newOwner, positional.subList(1, positional.size()), named);
  }

  /** One value a parameter, in the order of {@code parameters}, {@link #ABSENT} where not given. */
  Object[] bind(String... parameters) {
    if (positional.size() > parameters.length) {
      throw new JinjaException(
          owner + " takes at most " + parameters.length + " arguments, found " + positional.size());
    }
    Object[] values = new Object[parameters.length];
    Map<String, Object> left = new LinkedHashMap<>(named);
    for (int i = 0; i < parameters.length; i++) {
      boolean given = left.containsKey(parameters[i]);
      if (i < positional.size()) {
        if (given) {
          throw new JinjaException(owner + " got two values for '" + parameters[i] + "'");
        }
        values[i] = positional.get(i);
      } else {
        values[i] = given ? left.remove(parameters[i]) : ABSENT;
      }
    }
    if (!left.isEmpty()) {
      throw new JinjaException(
          owner + " has no parameter '" + left.keySet().iterator().next() + "'");
    }
    return values;
  }

  /** {@link #bind} where the first {@code required} must be given. */
  Object[] bind(int required, String... parameters) {
    Object[] values = bind(parameters);
    for (int i = 0; i < required; i++) {
      if (values[i] == ABSENT) {
        throw new JinjaException(owner + " needs the argument '" + parameters[i] + "'");
      }
    }
    return values;
  }

  static Object or(Object value, Object otherwise) {
    return value == ABSENT ? otherwise : value;
  }
}
