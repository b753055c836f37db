package org.autodidact.checkpoints.jinja;

/**
 * A name or attribute that is not there. It writes nothing, is false and empty; anything else that
 * is done with it is an error.
 *
 * @param message what to say then
 */
record Undefined(String message) {
  static Undefined name(String name) {
    return new Undefined("'" + name + "' is undefined");
  }

  static Undefined attribute(Object owner, Object name) {
    return new Undefined(
        name instanceof String text
            ? "'" + Values.typeName(owner) + "' has no attribute '" + text + "'"
            : Values.typeName(owner) + " has no element " + name);
  }

  JinjaException error() {
    return new JinjaException(message);
  }
}
