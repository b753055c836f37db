package org.autodidact.engine.plugins.rules;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.function.BiConsumer;
import java.util.function.Consumer;
import java.util.function.Function;
import org.autodidact.api.AutodidactException;
import org.autodidact.api.InvalidInputException;
import org.autodidact.api.RuleBrokenException;

/**
 * Takes what a plugin hands over, and sees that each request gets one result, on the thread that
 * asked: whatever is stored of a half-done call would be taken for all of it.
 */
final class ResultContract<Q, A> {
  private final String who;
  private final String rule;
  private final Map<String, Q> open = new LinkedHashMap<>();
  private final int asked;
  private final Thread caller = Thread.currentThread();
  private final Function<A, String> idOf;
  private final BiConsumer<Q, A> check;
  private final Consumer<A> results;
  private RuleBrokenException broken;
  private Throwable thrownByTaker;

  /**
   * @param who hands over
   * @param rule the rule that says what this class sees to
   * @param check refuses an answer that its request does not allow
   * @throws InvalidInputException where two requests have one id, which is the caller's fault
   */
  ResultContract(
      String who,
      String rule,
      List<Q> requests,
      Function<Q, String> idOfRequest,
      Function<A, String> idOf,
      BiConsumer<Q, A> check,
      Consumer<A> results) {
    this.who = who;
    this.rule = rule;
    for (Q request : requests) {
      String id = idOfRequest.apply(request);
      if (open.put(id, request) != null) {
        throw new InvalidInputException(
            "two requests to " + who + " have the id '" + id + "'; ids must be unique in a call");
      }
    }
    this.asked = open.size();
    this.idOf = idOf;
    this.check = check;
    this.results = results;
  }

  void take(A answer) {
    if (Thread.currentThread() != caller) {
      throw broken(
          "it handed a result over on the thread '"
              + Thread.currentThread().getName()
              + "', not on the one that called it");
    }
    if (answer == null) {
      throw broken("it handed null over");
    }
    String id = idOf.apply(answer);
    Q request = open.remove(id);
    if (request == null) {
      throw broken("it handed over '" + id + "' twice, or though it was not asked for");
    }
    check.accept(request, answer);
    try {
      results.accept(answer);
    } catch (RuntimeException | Error e) {
      thrownByTaker = e;
      throw e;
    }
  }

  /**
   * Runs the plugin's call. What it did against the rule, and what the taker of its results threw,
   * is thrown even where it caught that, or wrapped it.
   */
  void during(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException | LinkageError | StackOverflowError e) {
      if (broken != null && broken != e) {
        broken.addSuppressed(e);
        throw broken;
      }
      throwWhatTheTakerThrew();
      if (e instanceof AutodidactException known) {
        throw PluginCalls.known(known);
      }
      throw PluginCalls.failure(who, e);
    }
    throwWhatTheTakerThrew();
    if (broken != null) {
      throw broken;
    }
    if (!open.isEmpty()) {
      throw broken(
          "of "
              + asked
              + " requests "
              + open.size()
              + " got no result, '"
              + open.keySet().iterator().next()
              + "' the first of them");
    }
  }

  private void throwWhatTheTakerThrew() {
    if (thrownByTaker instanceof Error error) {
      throw error;
    }
    if (thrownByTaker != null) {
      throw (RuntimeException) thrownByTaker;
    }
  }

  private synchronized RuleBrokenException broken(String found) {
    broken = new RuleBrokenException(who, rule, found);
    return broken;
  }
}
