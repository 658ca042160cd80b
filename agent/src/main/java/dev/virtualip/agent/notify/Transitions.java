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
 * Tells from what virtual routers report what is worth a notification, as keepalived does: another
 * state, not another reason; of a sync group, a state that all its members have, or the first
 * fault.
 */
final class Transitions {
  private final String node;
  private final Map<String, Member> members = new TreeMap<>();
  private final Map<String, State> groups = new HashMap<>();

  /** A VirtualIP; one that is deleted stays until its end has been told. */
  private static final class Member {
    private VirtualIpSpec spec;
    private State state;
  }

  /**
   * A notification and where it goes.
   *
   * @param queue notifications of the same queue are told in order
   * @param by VirtualIPs whose settings say who is told
   */
  record Told(Notification notification, String queue, List<String> by) {}

  Transitions(String node) {
    this.node = node;
  }

  /** A VirtualIP runs on this node from now on, or runs in another version. */
  void runs(String virtualIp, VirtualIpSpec spec) {
    members.computeIfAbsent(virtualIp, _ -> new Member()).spec = spec;
  }

  /** Its end has been told. */
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
   * @param state what keepalived's scripts would be told, or null for nothing
   */
  List<Told> changed(String virtualIp, State state, NodeStatus status) {
    var member = members.get(virtualIp);
    if (member == null || state == null || state == member.state) {
      return List.of();
    }
    var told = new ArrayList<Told>();
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
    told.add(new Told(notification, queue, List.of(virtualIp)));
    member.state = state;
    if (group != null) {
      groupChanged(group, notification, told, queue);
    }
    return told;
  }

  private void groupChanged(String group, Notification last, ArrayList<Told> told, String queue) {
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
    told.add(new Told(notification, queue, names));
  }

  /** The state of a group, or null while its members are about to follow each other. */
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
