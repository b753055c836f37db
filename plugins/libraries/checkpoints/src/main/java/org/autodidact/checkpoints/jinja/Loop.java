package org.autodidact.checkpoints.jinja;

import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.Optional;

/** The variable {@code loop} of a {@code for}. Looks at the next item only when it is asked to. */
final class Loop implements Callable {
  /** Runs the loop's body over other items and gives what it wrote. */
  interface Recursion {
    String run(Object items, int depth);
  }

  /** A turn makes a scope, which takes as long as looking at so many characters. */
  private static final int TURN = 64;

  private final Budget budget;
  private final Optional<Recursion> recursion;
  private final int depth;
  private Optional<Long> length;
  private Iterator<Object> items;
  private Object before;
  private Object current;
  private Object after = Arguments.ABSENT;
  private Object changed = Arguments.ABSENT;
  private long index = -1;

  Loop(Object iterable, Budget budget, Optional<Recursion> recursion, int depth) {
    this.budget = budget;
    this.recursion = recursion;
    this.depth = depth;
    this.items = Values.iterate(iterable, budget);
    this.length =
        iterable instanceof Lazy ? Optional.empty() : Optional.of(Values.length(iterable, budget));
  }

  /** Goes to the next item, if there is one. */
  boolean advance() {
    budget.scan(TURN);
    Object next = next();
    if (next == Arguments.ABSENT) {
      return false;
    }
    after = Arguments.ABSENT;
    before = current;
    current = next;
    index++;
    return true;
  }

  private Object next() {
    if (after == Arguments.ABSENT && items.hasNext()) {
      after = items.next();
    }
    return after;
  }

  Object current() {
    return current;
  }

  long length() {
    if (length.isEmpty()) {
      List<Object> rest = new ArrayList<>();
      items.forEachRemaining(rest::add);
      budget.elements(rest.size());
      items = rest.iterator();
      length = Optional.of(rest.size() + index + 1 + (after == Arguments.ABSENT ? 0 : 1));
    }
    return length.get();
  }

  /** The attribute of this name, or {@link Arguments#ABSENT}. */
  Object attribute(String name) {
    return switch (name) {
      case "index0" -> index;
      case "index" -> index + 1;
      case "first" -> index == 0;
      case "last" -> next() == Arguments.ABSENT;
      case "length" -> length();
      case "revindex" -> length() - index;
      case "revindex0" -> length() - index - 1;
      case "depth" -> depth + 1L;
      case "depth0" -> (long) depth;
      case "previtem" -> index == 0 ? new Undefined("there is no previous item") : before;
      case "nextitem" ->
          next() == Arguments.ABSENT ? new Undefined("there is no next item") : next();
      case "cycle" -> (Callable) this::cycle;
      case "changed" -> (Callable) this::changed;
      default -> Arguments.ABSENT;
    };
  }

  private Object cycle(Frame frame, Arguments arguments) {
    List<Object> values = arguments.positional();
    if (values.isEmpty()) {
      throw new JinjaException("loop.cycle() needs at least one value");
    }
    return values.get((int) (index % values.size()));
  }

  private Object changed(Frame frame, Arguments arguments) {
    Tuple values = new Tuple(arguments.positional());
    boolean differs = changed == Arguments.ABSENT || !Values.equal(changed, values, budget);
    changed = values;
    return differs;
  }

  @Override
  public Object call(Frame frame, Arguments arguments) {
    if (recursion.isEmpty()) {
      throw new JinjaException("only a loop that is marked 'recursive' can be called");
    }
    budget.enter();
    String written = recursion.get().run(arguments.bind(1, "iterable")[0], depth + 1);
    budget.leave();
    return written;
  }
}
