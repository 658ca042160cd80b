package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.vrrp.State;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Whether NICs count as up: a change counts once it has lasted (keepalived: {@code
 * interface_up_down_delays}). Used by one thread; times are its nanoseconds.
 */
final class LinkStates {
  private final NodeNetwork network;
  private final Map<String, Seen> seen = new HashMap<>();

  /** Of those that differ from what counts: mostly none. */
  private final Map<String, Long> deadlines = new HashMap<>();

  /** What counts, and since when the NIC differs from it. */
  private record Seen(boolean up, long differsSince) {}

  LinkStates(NodeNetwork network) {
    this.network = network;
  }

  /**
   * Whether a NIC counts as up. What is seen first counts at once.
   *
   * @param debounce how long a change has to last, nanoseconds
   */
  boolean up(String name, long debounce, long now) {
    var link = network.link(name);
    boolean up = link != null && link.up();
    var before = seen.getOrDefault(name, new Seen(up, State.NEVER));
    var next = new Seen(before.up(), State.NEVER);
    if (up != before.up()) {
      long since = before.differsSince() == State.NEVER ? now : before.differsSince();
      next = now - since >= debounce ? new Seen(up, State.NEVER) : new Seen(before.up(), since);
    }
    seen.put(name, next);
    if (next.differsSince() == State.NEVER) {
      deadlines.remove(name);
    } else {
      deadlines.put(name, next.differsSince() + debounce);
    }
    return next.up();
  }

  /** Forgets NICs that no field names any more, and the changes of them that it waits for. */
  void retain(Set<String> names) {
    seen.keySet().retainAll(names);
    deadlines.keySet().retainAll(names);
  }

  /** Forgets a NIC that is not there: when it comes back, what is seen counts at once. */
  void forget(String name) {
    seen.remove(name);
    deadlines.remove(name);
  }

  /** When a change will have lasted, or {@link State#NEVER}. */
  long deadline() {
    // The loop asks all routers at each turn.
    return deadlines.isEmpty() ? State.NEVER : Collections.min(deadlines.values());
  }
}
