package dev.virtualip.agent.vrrp;

import java.net.InetAddress;
import java.util.List;

/** What happens to a virtual router. */
public sealed interface Event {

  /**
   * What keeps the router from taking part has changed. The first one without a reason is RFC
   * 9568's Startup.
   *
   * @param reasons all that stands in the way now, empty if nothing does
   */
  record FaultsChanged(List<Reason> reasons) implements Event {
    /** Copies the list. */
    public FaultsChanged {
      reasons = List.copyOf(reasons);
    }
  }

  /**
   * A valid advert of this virtual router from another node.
   *
   * @param priority 0 to 255, 0 = the sender gives up
   * @param interval advertised interval in nanoseconds
   * @param source where it came from
   */
  record AdvertisementReceived(int priority, long interval, InetAddress source) implements Event {}

  /** The state's deadline has passed. */
  record TimerExpired() implements Event {}

  /**
   * The priority in force has changed.
   *
   * @param priority 1 to 255
   */
  record PriorityChanged(int priority) implements Event {}

  /**
   * The address that the adverts come from has changed; it breaks ties.
   *
   * @param source the new source address
   */
  record SourceChanged(InetAddress source) implements Event {}

  /**
   * The configuration has changed in place; version and VRID are the same.
   *
   * @param config the new one
   */
  record ConfigChanged(VirtualRouterConfig config) implements Event {}

  /**
   * The router is to end.
   *
   * @param reason why
   */
  record Shutdown(Reason reason) implements Event {}

  /**
   * The router is to hand over if it is Active, though nothing is wrong with it; it stays in the
   * election.
   *
   * @param cause why
   */
  record Resign(Reason cause) implements Event {}

  /** Something that the master holds is not there any more. */
  record HoldingsLost() implements Event {}

  /** The Active_Down_Timer of a sync group's member has passed: it would be master if all were. */
  record Wish() implements Event {}

  /** All members of the sync group wish to be master: so be it, or claim it first. */
  record TakeOver() implements Event {}

  /**
   * Another member of the sync group has yielded to a better master: let go too.
   *
   * @param member the other member
   */
  record LetGo(String member) implements Event {}

  /**
   * Networks may know the addresses at a wrong place: another member of the sync group has met a
   * lower master, or a NIC has another hardware address.
   */
  record Reannounce() implements Event {}
}
