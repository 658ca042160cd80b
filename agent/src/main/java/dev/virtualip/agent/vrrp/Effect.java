package dev.virtualip.agent.vrrp;

import java.util.List;

/** What the caller has to do, in the order given. */
public sealed interface Effect {

  /**
   * Send an advert.
   *
   * @param priority 0 (giving up) to 255
   */
  record SendAdvertisement(int priority) implements Effect {}

  /** Make the node hold exactly the configured addresses and routes, additions first. */
  record BindAddresses() implements Effect {}

  /** Take all addresses and routes off the node, left-overs of an earlier life included. */
  record UnbindAddresses() implements Effect {}

  /** Renew the leases of the addresses, if due. */
  record RenewLeases() implements Effect {}

  /**
   * Tell the networks who has the addresses now, by gratuitous ARP and unsolicited neighbour
   * advertisements.
   *
   * @param once each address once, else in a burst, as often as configured
   */
  record AnnounceAddresses(boolean once) implements Effect {
    /** A burst. */
    public AnnounceAddresses() {
      this(false);
    }
  }

  /**
   * Tell whoever wants to know that the state has changed.
   *
   * @param state the new state
   * @param causes why, as in {@code MasterDown} or {@code CheckFailed(ingress)}
   */
  record StateChanged(State state, List<Reason> causes) implements Effect {
    /** Copies the list. */
    public StateChanged {
      causes = List.copyOf(causes);
    }

    /** A change with one cause. */
    StateChanged(State state, Reason cause) {
      this(state, List.of(cause));
    }
  }
}
