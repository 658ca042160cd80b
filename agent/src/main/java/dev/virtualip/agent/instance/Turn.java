package dev.virtualip.agent.instance;

import java.util.ArrayDeque;
import java.util.ArrayList;
import java.util.Collections;
import java.util.Deque;
import java.util.List;
import java.util.function.BiConsumer;

/**
 * What is to be done before the node takes its next input. Whatever a step asks for is added here
 * instead of being called, so that nothing happens in the middle of something else: a refused
 * effect and what the sync group has to follow come next, all else comes last.
 */
final class Turn {
  /** More work than any input makes: some thousand instances that look at the node once each. */
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
   * @param seen when the cause was seen
   */
  private record Work(VrrpInstance instance, long seen, Runnable action) {}

  Turn(Stopwatch stopwatch) {
    this.stopwatch = stopwatch;
  }

  /** Says who is told of a defect in an instance; without it, it ends the turn. */
  void onDefect(BiConsumer<VrrpInstance, Throwable> handler) {
    onDefect = handler;
  }

  /** Does something, and all that follows from it; within a turn, after what waits already. */
  void run(VrrpInstance instance, Runnable action) {
    later(instance, action);
    settle();
  }

  /** Adds work behind all that waits. */
  void later(VrrpInstance instance, Runnable action) {
    works.addLast(new Work(instance, stopwatch.seen(), action));
  }

  /** Adds work before all that waits, in this order. */
  void next(VrrpInstance instance, Runnable action) {
    works.addFirst(new Work(instance, stopwatch.seen(), action));
  }

  /** Adds work of several instances before all that waits, in this order. */
  void next(List<VrrpInstance> instances, List<Runnable> actions) {
    var reversed = new ArrayList<Work>();
    for (int i = 0; i < actions.size(); i++) {
      reversed.add(new Work(instances.get(i), stopwatch.seen(), actions.get(i)));
    }
    Collections.reverse(reversed);
    reversed.forEach(works::addFirst);
  }

  /** Forgets what waits for an instance. */
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
    } catch (RuntimeException | AssertionError e) {
      forget(work.instance());
      onDefect.accept(work.instance(), e);
    }
  }
}
