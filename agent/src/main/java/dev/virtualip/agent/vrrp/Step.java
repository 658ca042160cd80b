package dev.virtualip.agent.vrrp;

import java.util.List;

/**
 * Outcome of an event.
 *
 * @param router the virtual router after the event
 * @param effects effects to be performed, in this order
 */
public record Step(VirtualRouter router, List<Effect> effects) {
  /** Copies the list. */
  public Step {
    effects = List.copyOf(effects);
  }
}
