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

  /** Whether the router has another state than before. */
  public boolean changesState() {
    // No stream: each advert comes by here.
    for (var effect : effects) {
      if (effect instanceof Effect.StateChanged) {
        return true;
      }
    }
    return false;
  }
}
