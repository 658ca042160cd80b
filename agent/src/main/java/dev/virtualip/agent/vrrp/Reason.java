package dev.virtualip.agent.vrrp;

import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Why a virtual router is in its state, or takes no part: the same value in status, Event, metric
 * and log. It becomes text where it leaves the program.
 *
 * @param kind what it is
 * @param argument what it is about, such as a NIC or a check; empty if it is about nothing else
 */
public record Reason(Kind kind, String argument) {

  /** What a reason is. Users find each in docs/troubleshooting.md. */
  public enum Kind {
    /** It has not been told yet whether anything stands in its way. */
    Starting(false),
    /** It was master before its agent ended, and may still be. */
    Resuming(false),
    /** It begins to take part. */
    Started(false),
    /** It goes on as master after its agent was started anew. */
    Resumed(false),
    /** It takes part again after a fault. */
    Recovered(false),
    /** Priority 255 and initial state Master. */
    AddressOwner(false),
    /** The master fell silent. */
    MasterDown(false),
    /** The master gave up by a priority 0 advert. */
    MasterResigned(false),
    /** The master had a lower priority. */
    Preempted(false),
    /** A better master was heard; its address. */
    HigherPriority(false),
    /** The node was asked to; why. */
    HandedOver(false),
    /** The node woke up too late to know whether it still is the master. */
    LateWakeUp(false),
    /** The agent ends. */
    AgentStopped(false),
    /** There is no such VirtualIP any more. */
    Deleted(false),
    /** The VirtualIP does not select this node any more. */
    Deselected(false),
    /** It begins anew with another interface, family, VRID or version. */
    Reconfigured(true),
    /** The node has booted a moment ago. */
    DelayAfterBoot(false),
    /** A check has no result yet; its name. */
    CheckPending(false),
    /** A check fails; its name. */
    CheckFailed(true),
    /** A check is good, and reverse is set; its name. */
    CheckGood(true),
    /** Another member of the sync group waits for its checks; its name. */
    SyncGroupPending(false),
    /** Another member of the sync group; its name. */
    SyncGroup(true),
    /** There is no such NIC; what the spec says. */
    InterfaceNotFound(true),
    /** A NIC is down or has no carrier; its name. */
    LinkDown(true),
    /** A NIC cannot be listened to; its name. */
    CaptureFailed(true),
    /** A NIC has no address to send adverts from; its name. */
    NoAddress(true),
    /** Adverts have no way; the NIC. */
    TransportFailed(true),
    /** Unicast without a peer. */
    NoPeers(true),
    /** An advert does not fit the MTU; the NIC. */
    AdvertTooLong(true),
    /** A password is missing; the Secret and its key. */
    SecretNotFound(true),
    /** The kernel has refused addresses, routes or rules. */
    BindFailed(true),
    /** The spec wants what another VirtualIP has. */
    Conflict(true),
    /** The spec cannot be run. */
    InvalidSpec(true),
    /** The agent has met a defect of its own, and begins anew. */
    Defect(true);

    private final boolean fault;

    Kind(boolean fault) {
      this.fault = fault;
    }

    /** Whether a router that takes no part for this reason is at fault, and does not only wait. */
    public boolean isFault() {
      return fault;
    }
  }

  /** Nothing is an empty argument. */
  public Reason {
    argument = Objects.requireNonNullElse(argument, "");
  }

  /** A reason that is about nothing else. */
  public static Reason of(Kind kind) {
    return new Reason(kind, "");
  }

  /** Whether any of these is a fault. */
  public static boolean anyFault(List<Reason> reasons) {
    return reasons.stream().anyMatch(reason -> reason.kind().isFault());
  }

  /** Several as one text, as in {@code LinkDown(eth1), CheckFailed(ingress)}. */
  public static String text(List<Reason> reasons) {
    return reasons.stream().map(Reason::toString).collect(Collectors.joining(", "));
  }

  /** As in {@code LinkDown(eth1)}. */
  @Override
  public String toString() {
    return argument.isEmpty() ? kind.name() : kind + "(" + argument + ")";
  }
}
