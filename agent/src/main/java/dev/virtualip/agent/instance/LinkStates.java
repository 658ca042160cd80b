package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
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
  private final long bootedAt;
  private final Map<String, Seen> seen = new HashMap<>();

  /** Of those that differ from what counts: mostly none. */
  private final Map<String, Long> deadlines = new HashMap<>();

  /** What counts, and since when the NIC differs from it. */
  private record Seen(boolean up, long differsSince) {}

  /**
   * States of a node's NICs, of which none has been seen yet.
   *
   * @param bootedAt since when a NIC has been up that is so when it is seen first
   */
  LinkStates(NodeNetwork network, long bootedAt) {
    this.network = network;
    this.bootedAt = bootedAt;
  }

  /** Whether a NIC counts as up. */
  boolean up(String name, InstanceConfig config, long now) {
    var link = network.link(name);
    boolean up = link != null && link.up();
    long delay = up ? config.linkUpDelay() : config.linkDownDelay();
    var before = seen.getOrDefault(name, new Seen(false, up ? bootedAt : State.NEVER));
    var next = new Seen(before.up(), State.NEVER);
    if (up != before.up()) {
      long since = before.differsSince() == State.NEVER ? now : before.differsSince();
      next = now - since >= delay ? new Seen(up, State.NEVER) : new Seen(before.up(), since);
    }
    seen.put(name, next);
    if (next.differsSince() == State.NEVER) {
      deadlines.remove(name);
    } else {
      deadlines.put(name, next.differsSince() + delay);
    }
    return next.up();
  }

  /** Forgets NICs that no field names any more, and the changes of them that it waits for. */
  void retain(Set<String> names) {
    seen.keySet().retainAll(names);
    deadlines.keySet().retainAll(names);
  }

  /** A NIC that is not there is down at once: nobody waits for a change of it. */
  void gone(String name) {
    seen.put(name, new Seen(false, State.NEVER));
    deadlines.remove(name);
  }

  /** When a change will have lasted, or {@link State#NEVER}. */
  long deadline() {
    // The loop asks all routers at each turn.
    return deadlines.isEmpty() ? State.NEVER : Collections.min(deadlines.values());
  }
}
