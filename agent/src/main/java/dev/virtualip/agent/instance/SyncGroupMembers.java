package dev.virtualip.agent.instance;

import dev.virtualip.agent.vrrp.Event;
import dev.virtualip.agent.vrrp.Reason;
import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.agent.vrrp.State.Backup;
import dev.virtualip.agent.vrrp.Step;
import dev.virtualip.agent.vrrp.SyncGroup;
import dev.virtualip.agent.vrrp.VirtualRouter;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.SortedMap;
import java.util.TreeMap;

/**
 * The running members of one sync group on this node. A router outside of any group is alone in its
 * own.
 */
public final class SyncGroupMembers {
  private final SortedMap<String, VrrpInstance> members = new TreeMap<>();

  public SyncGroupMembers(Collection<VrrpInstance> instances) {
    instances.forEach(instance -> members.put(instance.config().name(), instance));
  }

  /**
   * Makes these instances, whose configurations name the same group, its members. A master that
   * joins a group of backups lets go. Otherwise a peer may be the master of the others, and neither
   * node would ever be master of all.
   */
  static void join(List<VrrpInstance> instances, long now) {
    var group = new SyncGroupMembers(instances);
    var newcomers = instances.stream().filter(instance -> instance.join(group)).toList();
    var backup = instances.stream().filter(i -> i.router().state() instanceof Backup).findFirst();
    backup.ifPresent(
        other -> newcomers.forEach(i -> i.on(new Event.LetGo(other.config().name()), now)));
  }

  /** After a member's step lets the other members take the steps that follow from it. */
  void stepped(VrrpInstance member, VirtualRouter before, Step step, long now) {
    var routers = new TreeMap<String, VirtualRouter>();
    members.forEach((name, instance) -> routers.put(name, instance.router()));
    member.follow(SyncGroup.follow(member.config().name(), before, step, routers), members, now);
  }

  /** Adds a reason for each other member that has a fault or waits. */
  void addFaults(VrrpInstance member, Map<Reason, String> faults) {
    members.forEach(
        (name, other) -> {
          if (other == member || !other.faults().hasOwn()) {
            return;
          }
          if (other.faults().isPending()) {
            faults.put(new Reason(Kind.SyncGroupPending, name), "");
          } else {
            faults.put(new Reason(Kind.SyncGroup, name), "VirtualIP " + name + " is at fault");
          }
        });
  }

  /** Whether each member has looked for its faults at least once. */
  boolean allHaveLooked() {
    return members.values().stream().allMatch(member -> member.faults().hasLooked());
  }

  /**
   * Whether a master of any member is known. Members move together, so no address of any is probed
   * then: what somebody outside has of one that joins must not end the others.
   */
  boolean isKnown() {
    return members.values().stream().anyMatch(VrrpInstance::isKnown);
  }

  /** Whether checks of any other member fail. */
  boolean checksOfOthersFail(VrrpInstance member) {
    return members.values().stream().anyMatch(other -> other != member && other.checksFail());
  }

  /**
   * Lets the other members look again, because this one's own faults or failed checks have changed.
   */
  void faultsChanged(VrrpInstance member, long now) {
    members.values().stream().filter(other -> other != member).forEach(o -> o.lookLater(now));
  }
}
