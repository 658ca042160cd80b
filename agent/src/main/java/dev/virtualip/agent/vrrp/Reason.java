package dev.virtualip.agent.vrrp;

import java.util.List;
import java.util.Objects;
import java.util.stream.Collectors;

/**
 * Why a virtual router is in its state, or takes no part. The same value is used for status, Event,
 * metric and log; it becomes text only where it leaves the program.
 *
 * @param kind kind of the reason
 * @param argument the NIC, check or other subject of the reason; empty if it has none
 */
public record Reason(Kind kind, String argument) {

  /** Kind of a reason. Each is explained to users in docs/troubleshooting.md. */
  public enum Kind {
    /** The router has not been told yet whether there are faults. */
    Starting(false),
    /** The router was master before the agent ended, and may still be. */
    Resuming(false),
    /** The router begins to take part. */
    Started(false),
    /** The router goes on as master after a restart of the agent. */
    Resumed(false),
    /** The router takes part again after a fault. */
    Recovered(false),
    /** The router has priority 255 and initial state Master. */
    AddressOwner(false),
    /** No master was heard for three of its intervals: it fell silent, or there was none yet. */
    MasterDown(false),
    /** The master resigned by an advert with priority 0. */
    MasterResigned(false),
    /** The session of BFD with the master has ended by its failure. */
    NeighbourDown(false),
    /** The master had a lower priority. */
    Preempted(false),
    /** A better master was heard; argument: its address. */
    HigherPriority(false),
    /** The node was asked to hand over; argument: why. */
    HandedOver(false),
    /** The node woke up too late to know whether it is still the master. */
    LateWakeUp(false),
    /** The agent ends. */
    AgentStopped(false),
    /** The VirtualIP no longer exists. */
    Deleted(false),
    /** The VirtualIP no longer selects this node. */
    Deselected(false),
    /** The router begins anew with another interface, address family, VRID or version. */
    Reconfigured(true),
    /** The node has booted less than spec.delayAfterBoot ago. */
    DelayAfterBoot(false),
    /** A check has no result yet; argument: its name. */
    CheckPending(false),
    /** A check fails; argument: its name. */
    CheckFailed(true),
    /** A check is good, and reverse is set; argument: its name. */
    CheckGood(true),
    /** Another member of the sync group waits for its checks; argument: its name. */
    SyncGroupPending(false),
    /** Another member of the sync group is at fault, or has let go; argument: its name. */
    SyncGroup(true),
    /** There is no such NIC; argument: the NIC as the spec names it. */
    InterfaceNotFound(true),
    /** A NIC is down or has no carrier; argument: its name. */
    LinkDown(true),
    /** The capture on a NIC failed to open; argument: its name. */
    CaptureFailed(true),
    /** A NIC has no address to send adverts from; argument: its name. */
    NoAddress(true),
    /** The socket or the group membership for adverts failed; argument: the NIC. */
    TransportFailed(true),
    /** Unicast, and no peer is known. */
    NoPeers(true),
    /** Unicast, and no peer lists the address that adverts come from; argument: the address. */
    NotListed(true),
    /** The NIC's neighbours have no Ethernet addresses, which this use needs; argument: the NIC. */
    NotEthernet(true),
    /** The node cannot have the virtual MAC; argument: the NIC. */
    VirtualMacNotAvailable(true),
    /** An advert does not fit the MTU; argument: the NIC. */
    AdvertTooLong(true),
    /** A password is missing; argument: the Secret and its key. */
    SecretNotFound(true),
    /** The keys of signed adverts cannot be read; argument: the Secret and its key. */
    KeysInvalid(true),
    /** Another node has other keys of signed adverts, and began first; argument: its name. */
    KeysDiffer(true),
    /** The NIC, or somebody else on its network, has the address; argument: the address. */
    AddressInUse(true),
    /** The spec has virtual servers, and the kernel has no IPVS. */
    IpvsNotAvailable(true),
    /**
     * IPVS has a virtual service from another program; argument: its protocol, address and port.
     */
    VirtualServerInUse(true),
    /** The kernel has refused addresses, routes or rules. */
    BindFailed(true),
    /** The spec conflicts with another VirtualIP. */
    Conflict(true),
    /** No VirtualIPPool allows the VirtualIP. */
    OutsidePools(true),
    /** The spec is not valid. */
    InvalidSpec(true),
    /** The instance has failed by a defect of the agent, and will restart. */
    Defect(true);

    private final boolean fault;

    Kind(boolean fault) {
      this.fault = fault;
    }

    /** Whether a router that takes no part for this reason is at fault, rather than waiting. */
    public boolean isFault() {
      return fault;
    }
  }

  /** Turns a null argument into an empty one. */
  public Reason {
    argument = Objects.requireNonNullElse(argument, "");
  }

  /** A reason without an argument. */
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
