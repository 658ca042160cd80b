package dev.virtualip.agent.vrrp;

import java.util.List;

/** An action that the caller of {@link VirtualRouter#step} has to perform, in the order given. */
public sealed interface Effect {

  /**
   * Send an advert.
   *
   * @param priority 0 (resigning) to 255
   */
  record SendAdvertisement(int priority) implements Effect {}

  /** Make the node hold exactly the configured addresses, routes and rules, additions first. */
  record BindAddresses() implements Effect {}

  /** Make the node's virtual servers send connections to those real servers that are up. */
  record BalanceServers() implements Effect {}

  /** Put back what is missing of the configured addresses, routes and rules. */
  record RestoreAddresses() implements Effect {}

  /**
   * Remove all addresses, routes and rules from the node, left-overs of an earlier life included.
   */
  record UnbindAddresses() implements Effect {}

  /** Renew the leases of the addresses, if that is due. */
  record RenewLeases() implements Effect {}

  /**
   * Announce that this node has the addresses now, by gratuitous ARP and unsolicited neighbour
   * advertisements.
   *
   * @param once true for each address once; false for a burst, each address as often as configured
   */
  record AnnounceAddresses(boolean once) implements Effect {
    /** Announces in a burst. */
    public AnnounceAddresses() {
      this(false);
    }
  }

  /**
   * Report a change of state.
   *
   * @param state the new state
   * @param causes why, as in {@code MasterDown} or {@code CheckFailed(ingress)}; never empty
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
