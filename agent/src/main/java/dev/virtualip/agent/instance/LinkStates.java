package dev.virtualip.agent.instance;

import dev.virtualip.agent.net.NodeNetwork;
import dev.virtualip.agent.plan.InstanceConfig;
import dev.virtualip.agent.vrrp.State;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;
import java.util.Set;

/**
 * Debounced link states: a NIC that goes up or down counts as such after the change has lasted for
 * a while (keepalived: {@code interface_up_down_delays}). Used by the event loop's thread only;
 * times are its nanoseconds.
 */
final class LinkStates {
  private final NodeNetwork network;
  private final long bootedAt;
  private final Map<String, Seen> seen = new HashMap<>();

  /** Deadlines of the NICs whose present state does not count yet; mostly empty. */
  private final Map<String, Long> deadlines = new HashMap<>();

  /** The state that counts, and since when the NIC's present state differs from it. */
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

  /**
   * Whether a NIC counts as up. The state of a NIC that is seen first and is up counts if it has
   * been up since the boot.
   */
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

  /** Forgets all other NICs, and their pending changes. */
  void retain(Set<String> names) {
    seen.keySet().retainAll(names);
    deadlines.keySet().retainAll(names);
  }

  /** A NIC that has disappeared is down at once: nobody waits for a change of it. */
  void gone(String name) {
    seen.put(name, new Seen(false, State.NEVER));
    deadlines.remove(name);
  }

  /** When the next change has lasted long enough, or {@link State#NEVER}. */
  long deadline() {
    // The common case first: the loop asks all routers at each turn.
    return deadlines.isEmpty() ? State.NEVER : Collections.min(deadlines.values());
  }
}
