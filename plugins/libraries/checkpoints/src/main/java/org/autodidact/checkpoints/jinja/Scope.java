package org.autodidact.checkpoints.jinja;

import java.util.HashMap;
import java.util.Map;
import java.util.Optional;

/** Variables of a block; those of the blocks around it can be read and not set. */
final class Scope {
  private final Optional<Scope> around;
  private final Map<String, Object> variables = new HashMap<>();

  Scope(Optional<Scope> around) {
    this.around = around;
  }

  Object get(String name) {
    Scope scope = this;
    while (true) {
      Object value = scope.variables.get(name);
      if (value != null || scope.variables.containsKey(name)) {
        return value;
      }
      if (scope.around.isEmpty()) {
        return Undefined.name(name);
      }
      scope = scope.around.get();
    }
  }

  void set(String name, Object value) {
    variables.put(name, value);
  }
}
