package org.autodidact.checkpoints.jinja;

import java.util.Map;

/** What {@code namespace()} makes: attributes that inner scopes can set. */
record Namespace(Map<Object, Object> attributes) {
  void set(String name, Object value) {
    if (name.startsWith("_")) {
      throw new JinjaException(
          "namespace attributes must not begin with an underscore, found '" + name + "'");
    }
    attributes.put(name, value);
  }
}
