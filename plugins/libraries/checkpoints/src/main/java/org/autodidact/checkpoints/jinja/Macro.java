package org.autodidact.checkpoints.jinja;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;

/** What {@code macro} defines: a function whose value is what its body writes. */
final class Macro implements Callable {
  /**
   * @param defaults one a parameter, empty where it has none
   * @param takesMore whether the body speaks of {@code varargs}; otherwise more positional
   *     arguments are an error
   * @param takesNamed whether it speaks of {@code kwargs}
   */
  record Signature(
      List<String> parameters,
      List<Optional<Expression>> defaults,
      boolean takesMore,
      boolean takesNamed) {}

  private final String name;
  private final Signature signature;
  private final List<Statement> body;
  private final Frame definedIn;

  Macro(String name, Signature signature, List<Statement> body, Frame definedIn) {
    this.name = name;
    this.signature = signature;
    this.body = body;
    this.definedIn = definedIn;
  }

  @Override
  public Object call(Frame frame, Arguments arguments) {
    return call(frame, arguments, new Undefined("no caller defined"));
  }

  String call(Frame frame, Arguments arguments, Object caller) {
    Frame inner = definedIn.inner();
    List<Object> positional = arguments.positional();
    Map<String, Object> named = new LinkedHashMap<>(arguments.named());
    List<Object> more = new ArrayList<>();
    for (int i = signature.parameters().size(); i < positional.size(); i++) {
      more.add(positional.get(i));
    }
    inner.scope.set("varargs", new Tuple(more));
    inner.scope.set("caller", named.containsKey("caller") ? named.remove("caller") : caller);
    for (int i = 0; i < signature.parameters().size(); i++) {
      String parameter = signature.parameters().get(i);
      Object value;
      if (i < positional.size()) {
        if (named.containsKey(parameter)) {
          throw new JinjaException(name + "() got two values for '" + parameter + "'");
        }
        value = positional.get(i);
      } else if (named.containsKey(parameter)) {
        value = named.remove(parameter);
      } else if (signature.defaults().get(i).isPresent()) {
        value = inner.value(signature.defaults().get(i).get());
      } else {
        value = new Undefined("parameter '" + parameter + "' was not provided");
      }
      inner.scope.set(parameter, value);
    }
    inner.scope.set("kwargs", new LinkedHashMap<Object, Object>(named));
    refuseUnused(more, named);
    return inner.written(body);
  }

  private void refuseUnused(List<Object> more, Map<String, Object> named) {
    if (!more.isEmpty() && !signature.takesMore()) {
      throw new JinjaException(
          name + "() takes at most " + signature.parameters().size() + " arguments");
    }
    if (!named.isEmpty() && !signature.takesNamed()) {
      throw new JinjaException(
          name + "() has no parameter '" + named.keySet().iterator().next() + "'");
    }
  }
}
