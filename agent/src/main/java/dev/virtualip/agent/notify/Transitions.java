package dev.virtualip.agent.notify;

import dev.virtualip.agent.notify.Notification.Type;
import dev.virtualip.crds.schema.Address;
import dev.virtualip.crds.schema.Notifications.State;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import java.time.Instant;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.TreeMap;

/**
 * Decides which status changes are worth a notification, as keepalived does: another state, but not
 * another reason. For a sync group it is a state that all members have reached, or the first fault
 * of a member.
 */
final class Transitions {
  private final String node;
  private final Map<String, Member> members = new TreeMap<>();
  private final Map<String, State> groups = new HashMap<>();

  /** A VirtualIP. After it is deleted it stays until its end has been notified. */
  private static final class Member {
    private VirtualIpSpec spec;
    private State state;
  }

  /**
   * A notification and its recipients.
   *
   * @param queue name of the queue; notifications of one queue are delivered in order
   * @param virtualIps names of the VirtualIPs whose settings name the recipients
   */
  record Outgoing(Notification notification, String queue, List<String> virtualIps) {}

  Transitions(String node) {
    this.node = node;
  }

  /** This node runs a VirtualIP from now on, or another version of it. */
  void runs(String virtualIp, VirtualIpSpec spec) {
    members.computeIfAbsent(virtualIp, _ -> new Member()).spec = spec;
  }

  /** Forgets a VirtualIP whose end has been notified. */
  void removed(String virtualIp) {
    var member = members.remove(virtualIp);
    if (member != null
        && members.values().stream()
            .noneMatch(m -> Objects.equals(m.spec.syncGroup(), member.spec.syncGroup()))) {
      groups.remove(member.spec.syncGroup());
    }
  }

  /**
   * A VirtualIP has another status.
   *
   * @param state keepalived's state for it, or null if keepalived would not notify
   * @return the notifications to deliver, in order; empty if the state is the same
   */
  List<Outgoing> changed(String virtualIp, State state, NodeStatus status) {
    var member = members.get(virtualIp);
    if (member == null || state == null || state == member.state) {
      return List.of();
    }
    var outgoing = new ArrayList<Outgoing>();
    var group = member.spec.syncGroup();
    var queue = group == null ? "VirtualIP " + virtualIp : "group " + group;
    var notification =
        new Notification(
            Type.INSTANCE,
            virtualIp,
            state,
            member.state,
            status.priority(),
            node,
            Objects.requireNonNullElse(status.reason(), ""),
            addresses(member.spec),
            Instant.parse(status.since()));
    outgoing.add(new Outgoing(notification, queue, List.of(virtualIp)));
    member.state = state;
    if (group != null) {
      groupChanged(group, notification, outgoing, queue);
    }
    return outgoing;
  }

  private void groupChanged(
      String group, Notification last, List<Outgoing> outgoing, String queue) {
    var names =
        members.entrySet().stream()
            .filter(e -> group.equals(e.getValue().spec.syncGroup()))
            .filter(e -> e.getValue().state != State.Deleted)
            .map(Map.Entry::getKey)
            .toList();
    var state = common(names);
    if (state == null || state == groups.get(group)) {
      return;
    }
    var addresses =
        names.stream().flatMap(name -> addresses(members.get(name).spec).stream()).toList();
    var notification =
        new Notification(
            Type.GROUP,
            group,
            state,
            groups.put(group, state),
            0,
            node,
            last.reason(),
            addresses,
            last.time());
    outgoing.add(new Outgoing(notification, queue, names));
  }

  /** The state of a group, or null while its members are in different states. */
  private State common(List<String> names) {
    var states = names.stream().map(name -> members.get(name).state).distinct().toList();
    if (states.contains(State.Fault)) {
      return State.Fault;
    }
    return states.size() == 1 ? states.getFirst() : null;
  }

  private static List<String> addresses(VirtualIpSpec spec) {
    return spec.addresses().stream().map(Address::address).toList();
  }
}
