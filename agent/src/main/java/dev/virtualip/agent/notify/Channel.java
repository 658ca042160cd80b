package dev.virtualip.agent.notify;

import dev.virtualip.crds.check.Problem;
import java.io.IOException;
import java.time.Duration;
import java.util.List;

/** A way to deliver notifications: a command, mail or a POST. */
interface Channel {

  /**
   * Makes one try to deliver a notification.
   *
   * @throws Undeliverable if another try would fail too
   * @throws IOException if another try may succeed; the message says why this one failed
   * @throws InterruptedException if it took longer than {@link #limit}
   */
  void deliver(Notification notification) throws IOException, InterruptedException;

  /** Longest time a delivery may take. */
  Duration limit();

  /**
   * The problems that keep notifications from being delivered on this node; empty if there are
   * none.
   */
  List<Problem> problems();

  /** A delivery failed, and another try would fail too. */
  final class Undeliverable extends IOException {
    private static final long serialVersionUID = 1;

    Undeliverable(String message) {
      super(message);
    }
  }
}
