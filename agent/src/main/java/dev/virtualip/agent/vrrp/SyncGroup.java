package dev.virtualip.agent.vrrp;

import dev.virtualip.agent.vrrp.Effect.AnnounceAddresses;
import dev.virtualip.agent.vrrp.Effect.SendAdvertisement;
import dev.virtualip.agent.vrrp.Event.LetGo;
import dev.virtualip.agent.vrrp.Event.Reannounce;
import dev.virtualip.agent.vrrp.Event.Resign;
import dev.virtualip.agent.vrrp.Event.TakeOver;
import dev.virtualip.agent.vrrp.State.Active;
import dev.virtualip.agent.vrrp.State.Backup;
import java.util.LinkedHashMap;
import java.util.Map;

/**
 * Virtual routers of one node that are master together or not at all (keepalived: {@code
 * vrrp_sync_group}). The caller shares faults: a fault of one member is a fault of all.
 */
public final class SyncGroup {
  private SyncGroup() {}

  /**
   * The events that follow for the members from a step of one of them.
   *
   * @param member name of the member that made the step
   * @param before that member before the step
   * @param step the step
   * @param members all members by name, after the step
   * @return events by name of the member, to be passed on in this order
   */
  public static Map<String, Event> follow(
      String member, VirtualRouter before, Step step, Map<String, VirtualRouter> members) {
    var events = new LinkedHashMap<String, Event>();
    var state = step.router().state();
    boolean wasActive = before.state() instanceof Active;
    if (wasActive && state instanceof Backup) {
      // Each other member has to resign too, or its peers would wait for a down interval.
      var cause = new Reason(Reason.Kind.SyncGroup, member);
      var event = resigned(step) ? new Resign(cause) : new LetGo(member);
      others(member, members).forEach((name, _) -> events.put(name, event));
    } else if (wasActive && state instanceof Active && metLowerMaster(step)) {
      others(member, members).forEach((name, _) -> events.put(name, new Reannounce()));
    } else if (wishes(state) && members.values().stream().allMatch(SyncGroup::ready)) {
      takeOver(member, members, events);
    }
    return events;
  }

  /** If some members have to claim first, the other members wait until those have. */
  private static void takeOver(
      String member, Map<String, VirtualRouter> members, Map<String, Event> events) {
    boolean claim = members.values().stream().anyMatch(VirtualRouter::hasToClaim);
    if (!claim || members.get(member).hasToClaim()) {
      events.put(member, new TakeOver());
    }
    others(member, members)
        .forEach(
            (name, router) -> {
              if (!claim || router.hasToClaim()) {
                events.put(name, new TakeOver());
              }
            });
  }

  private static Map<String, VirtualRouter> others(
      String member, Map<String, VirtualRouter> members) {
    var others = new LinkedHashMap<>(members);
    others.remove(member);
    return others;
  }

  /**
   * Whether the step answers a lower master, with an advert and an announcement. A step with an
   * announcement alone follows another member, and must not be followed again.
   */
  private static boolean metLowerMaster(Step step) {
    var effects = step.effects();
    return effects.stream().anyMatch(SendAdvertisement.class::isInstance)
        && effects.stream().anyMatch(AnnounceAddresses.class::isInstance);
  }

  private static boolean resigned(Step step) {
    return step.effects().contains(new SendAdvertisement(0));
  }

  private static boolean ready(VirtualRouter router) {
    return router.state() instanceof Active || wishes(router.state());
  }

  private static boolean wishes(State state) {
    return state instanceof Backup backup && backup.wishing();
  }
}
