package dev.virtualip.agent.vrrp;

import java.net.InetAddress;
import java.util.List;

/** What happens to a virtual router. */
public sealed interface Event {

  /**
   * The reasons that keep the router from taking part have changed. The first event without a
   * reason is RFC 9568's Startup.
   *
   * @param reasons all present reasons, empty if there are none
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
   * @param priority 0 (the sender resigns) to 255
   * @param interval advertised interval in nanoseconds
   * @param source address by which its sender is known
   * @param path null if it has come by the first path, or there is no other
   */
  record AdvertisementReceived(int priority, long interval, InetAddress source, FurtherPath path)
      implements Event {
    /** An advert that has come by the first path. */
    public AdvertisementReceived(int priority, long interval, InetAddress source) {
      this(priority, interval, source, null);
    }
  }

  /**
   * A path of adverts beside the first, on a NIC of its own. Who wins a tie there may lose it on
   * another path.
   *
   * @param number 1 for the first one beside the first path, and so on, the same on all nodes
   * @param sender source address of the advert
   * @param own source address of this router's adverts on the same path; null while there is none
   */
  record FurtherPath(int number, InetAddress sender, InetAddress own) {
    /** Old recordings have no number, which is read as 0 and means 1. */
    public FurtherPath {
      number = Math.max(1, number);
    }
  }

  /**
   * A router has been lost by BFD, before it could be missed by its adverts.
   *
   * @param address its address
   */
  record NeighbourDown(InetAddress address) implements Event {}

  /**
   * A router has been silent for the whole down interval of another virtual router on this node.
   *
   * @param address its address
   */
  record MasterSilent(InetAddress address) implements Event {}

  /** The state's deadline has passed. */
  record TimerExpired() implements Event {}

  /**
   * The priority in force has changed.
   *
   * @param priority 1 to 255
   */
  record PriorityChanged(int priority) implements Event {}

  /**
   * The source address of this router's adverts has changed. Of equal priorities the greater
   * address wins.
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
   * The router has to end.
   *
   * @param reason why
   */
  record Shutdown(Reason reason) implements Event {}

  /**
   * The router has to end soon: a master resigns, and serves on for its successor until it hears
   * it. {@link Shutdown} follows.
   *
   * @param reason why
   */
  record Quit(Reason reason) implements Event {}

  /**
   * The router has to hand over if it is Active, although it has no fault; it stays in the
   * election.
   *
   * @param cause why
   */
  record Resign(Reason cause) implements Event {}

  /** Something that the master holds has been removed from the node. */
  record HoldingsLost() implements Event {}

  /** Which real servers get connections has changed. */
  record ServersChanged() implements Event {}

  /**
   * The Active_Down_Timer of a member of a sync group has expired. It becomes master as soon as all
   * members wish to.
   */
  record Wish() implements Event {}

  /** All members of the sync group wish to be master: become master, or claim first. */
  record TakeOver() implements Event {}

  /**
   * Another member of the sync group has yielded to a better master, so this member lets go too.
   *
   * @param member the other member
   */
  record LetGo(String member) implements Event {}

  /**
   * Neighbours may have the addresses at a wrong place, so announce them again: another member of
   * the sync group has met a master of lower priority, or a NIC has another hardware address.
   */
  record Reannounce() implements Event {}
}
