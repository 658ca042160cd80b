package dev.virtualip.operator.act;

import java.io.IOException;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.Callable;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.Executors;
import java.util.concurrent.Future;

/** Sends several requests at a time: a thousand would wait for each other's answers. */
final class Batch {
  /** Requests that are under way at the same time: what an API server grants a client anyway. */
  private static final int AT_ONCE = 8;

  private Batch() {}

  /**
   * Sends all, and returns when each has its answer or has failed.
   *
   * @param requests each sends one on a thread of its own, and returns what the caller's thread
   *     does afterwards, in the order of the requests
   * @return the first failure, or null
   */
  static IOException send(List<? extends Callable<Runnable>> requests) throws InterruptedException {
    if (requests.isEmpty()) {
      return null;
    }
    IOException failure = null;
    try (var threads = Executors.newFixedThreadPool(AT_ONCE, Thread.ofVirtual().factory())) {
      var answers = new ArrayList<Future<Runnable>>();
      requests.forEach(request -> answers.add(threads.submit(request)));
      for (var answer : answers) {
        try {
          answer.get().run();
        } catch (ExecutionException e) {
          failure = failure == null ? failure(e.getCause()) : failure;
        }
      }
    }
    return failure;
  }

  private static IOException failure(Throwable cause) {
    return cause instanceof IOException failed ? failed : new IOException(cause);
  }
}
