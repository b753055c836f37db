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
 * Checks the results of a plugin: each request has one result, delivered on the calling thread.
 * Otherwise the stored part of a half-done call would pass for all of it.
 */
final class ResultContract<Q, A> {
  private final String who;
  private final String rule;
  private final Map<String, Q> open = new LinkedHashMap<>();
  private final int requested;
  private final Thread caller = Thread.currentThread();
  private final Function<A, String> idOf;
  private final BiConsumer<Q, A> check;
  private final Consumer<A> results;
  private RuleBrokenException broken;
  private Throwable thrownByConsumer;

  /**
   * @param who whose results they are
   * @param rule the rule that demands one result for each request
   * @param check refuses a result that does not fit its request
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
    this.requested = open.size();
    this.idOf = idOf;
    this.check = check;
    this.results = results;
  }

  void accept(A answer) {
    if (Thread.currentThread() != caller) {
      throw broken(
          "it delivered a result on the thread '"
              + Thread.currentThread().getName()
              + "', not on the one that called it");
    }
    if (answer == null) {
      throw broken("it delivered null");
    }
    String id = idOf.apply(answer);
    Q request = open.remove(id);
    if (request == null) {
      throw broken("it delivered '" + id + "' twice, or though it was not requested");
    }
    check.accept(request, answer);
    try {
      results.accept(answer);
    } catch (RuntimeException | Error e) {
      thrownByConsumer = e;
      throw e;
    }
  }

  /**
   * Runs the plugin's call. A broken rule, and what the consumer of the results threw, is thrown
   * even where the plugin caught or wrapped it.
   */
  void during(Runnable call) {
    try {
      call.run();
    } catch (RuntimeException | LinkageError | StackOverflowError e) {
      if (broken != null && broken != e) {
        broken.addSuppressed(e);
        throw broken;
      }
      rethrowConsumerFailure();
      if (e instanceof AutodidactException known) {
        throw PluginCalls.known(known);
      }
      throw PluginCalls.failure(who, e);
    }
    rethrowConsumerFailure();
    if (broken != null) {
      throw broken;
    }
    if (!open.isEmpty()) {
      throw broken(
          "of "
              + requested
              + " requests "
              + open.size()
              + " have no result, '"
              + open.keySet().iterator().next()
              + "' the first of them");
    }
  }

  private void rethrowConsumerFailure() {
    if (thrownByConsumer instanceof Error error) {
      throw error;
    }
    if (thrownByConsumer != null) {
      throw (RuntimeException) thrownByConsumer;
    }
  }

  private synchronized RuleBrokenException broken(String found) {
    broken = new RuleBrokenException(who, rule, found);
    return broken;
  }
}
