package dev.virtualip.agent.notify;

import dev.virtualip.crds.check.Problem;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** A way to tell somebody. */
interface Channel {

  /**
   * Tells it, once.
   *
   * @throws Undeliverable if another try would fail too
   * @throws IOException if it may work later, with a message that says why it did not
   * @throws InterruptedException if it took too long
   */
  void deliver(Notification notification) throws IOException, InterruptedException;

  /** Longest time a delivery may take. */
  Duration limit();

  /** Why nothing can be delivered on this node now; empty if something can. */
  List<Problem> problems();

  /** Another try would fail too. */
  final class Undeliverable extends IOException {
    private static final long serialVersionUID = 1;

    Undeliverable(String message) {
      super(message);
    }
  }
}
