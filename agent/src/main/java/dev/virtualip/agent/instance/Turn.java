package dev.virtualip.agent.instance;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * The work to be done before the node takes its next input. What follows from a step is queued here
 * instead of being called, so that nothing happens in the middle of something else. Refused effects
 * and the steps of the sync group come next; all other work comes last.
 */
final class Turn {
  /**
   * More work than any input causes; even some thousand instances look at the node once each.
   * Beyond it the turn counts as endless.
   */
  private static final int WORK_MAX = 100_000;

  private final Deque<Work> works = new ArrayDeque<>();
  private final Stopwatch stopwatch;
  private BiConsumer<VrrpInstance, Throwable> onDefect =
      (instance, defect) -> {
        throw new IllegalStateException(instance.config().name(), defect);
      };
  private boolean settling;

  /**
   * Work of one instance.
   *
   * @param seen when its cause was seen, in nanoseconds of the stopwatch
   */
  private record Work(VrrpInstance instance, long seen, Runnable action) {}

  Turn(Stopwatch stopwatch) {
    this.stopwatch = stopwatch;
  }

  /** Sets the handler of a defect in an instance. Without a handler the defect ends the turn. */
  void onDefect(BiConsumer<VrrpInstance, Throwable> handler) {
    onDefect = handler;
  }

  /**
   * Runs an action, and all work that follows from it. Within a turn the action is only added
   * behind the work that waits.
   */
  void run(VrrpInstance instance, Runnable action) {
    later(instance, action);
    settle();
  }

  /** Adds work behind all other work. */
  void later(VrrpInstance instance, Runnable action) {
    works.addLast(new Work(instance, stopwatch.seen(), action));
  }

  /** Adds work before all other work. */
  void next(VrrpInstance instance, Runnable action) {
    works.addFirst(new Work(instance, stopwatch.seen(), action));
  }

  /** Adds work of several instances before all other work, in this order. */
  void next(List<VrrpInstance> instances, List<Runnable> actions) {
    var reversed = new ArrayList<Work>();
    for (int i = 0; i < actions.size(); i++) {
      reversed.add(new Work(instances.get(i), stopwatch.seen(), actions.get(i)));
    }
    Collections.reverse(reversed);
    reversed.forEach(works::addFirst);
  }

  /** Drops the waiting work of an instance. */
  void forget(VrrpInstance instance) {
    works.removeIf(work -> work.instance() == instance);
  }

  private void settle() {
    if (settling) {
      return;
    }
    settling = true;
    try {
      int done = 0;
      for (var work = works.poll(); work != null; work = works.poll()) {
        if (++done > WORK_MAX) {
          throw new IllegalStateException(
              "a turn without end at " + work.instance().config().name());
        }
        perform(work);
      }
    } finally {
      settling = false;
      works.clear();
    }
  }

  private void perform(Work work) {
    try {
      stopwatch.since(work.seen(), work.action());
      work.instance().noteDeadlines();
    } catch (RuntimeException | AssertionError e) {
      forget(work.instance());
      onDefect.accept(work.instance(), e);
    }
  }
}
