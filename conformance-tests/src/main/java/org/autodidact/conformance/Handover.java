package org.autodidact.conformance;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.function.Consumer;
import java.util.function.Function;

/**
 * Takes the results of one call: one a request, on the calling thread. It never throws into the
 * part; what was wrong is said by {@link #complete()}.
 */
final class Handover<Q, R> implements Consumer<R> {
  /** How long results of other threads are waited for, so that these are named and not missed. */
  private static final long LATE_NANOS = 300_000_000L;

  private final Rule rule;
  private final Function<R, String> id;
  private final Function<Q, String> shown;
  private final Map<String, Q> requests = new LinkedHashMap<>();
  private final Thread caller = Thread.currentThread();
  private final Map<String, R> results = new LinkedHashMap<>();
  private Optional<AssertionError> problem = Optional.empty();

  Handover(
      Rule rule,
      List<Q> requests,
      Function<Q, String> requestId,
      Function<R, String> resultId,
      Function<Q, String> shown) {
    this.rule = rule;
    this.id = resultId;
    this.shown = shown;
    requests.forEach(q -> this.requests.put(requestId.apply(q), q));
  }

  @Override
  public synchronized void accept(R result) {
    if (problem.isPresent()) {
      return;
    }
    if (result == null) {
      problem = Optional.of(broken(all(), "a result", "null"));
      return;
    }
    String of = id.apply(result);
    Q request = requests.get(of);
    if (request == null) {
      problem = Optional.of(broken(all(), "results for these ids alone", "one for '" + of + "'"));
    } else if (Thread.currentThread() != caller) {
      problem =
          Optional.of(
              broken(
                  shown.apply(request),
                  "its result on the calling thread, '" + caller.getName() + "'",
                  "it came on the thread '" + Thread.currentThread().getName() + "'"));
    } else if (results.put(of, result) != null) {
      problem = Optional.of(broken(shown.apply(request), "one result", "more than one"));
    }
  }

  private String all() {
    return requests.isEmpty() ? "none at all" : "the ids " + requests.keySet();
  }

  private AssertionError broken(String request, String expected, String found) {
    return Rules.broken(rule, request, expected, found);
  }

  private synchronized boolean isOver() {
    return problem.isPresent() || results.size() == requests.size();
  }

  /** The results by id, one for each request. */
  Map<String, R> complete() {
    long until = System.nanoTime() + LATE_NANOS;
    while (!isOver() && System.nanoTime() < until) {
      try {
        Thread.sleep(5);
      } catch (InterruptedException e) {
        Thread.currentThread().interrupt();
        break;
      }
    }
    synchronized (this) {
      if (problem.isPresent()) {
        throw problem.get();
      }
      requests.forEach(
          (of, request) -> {
            if (!results.containsKey(of)) {
              throw broken(shown.apply(request), "one result", "none came");
            }
          });
      return new LinkedHashMap<>(results);
    }
  }

  /** How many results came. */
  synchronized int count() {
    return results.size();
  }
}
