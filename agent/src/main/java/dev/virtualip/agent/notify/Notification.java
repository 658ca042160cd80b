package dev.virtualip.agent.notify;

import dev.virtualip.crds.schema.Notifications.State;
import java.time.Instant;
import java.util.List;
import java.util.Locale;

/**
 * A virtual router, or a sync group, has entered another state on this node.
 *
 * @param type whether it is about a virtual router or a sync group
 * @param name name of the VirtualIP or sync group
 * @param state the new state
 * @param previous the state before, or null for the first one
 * @param priority priority in force, 1 to 255; 0 for a group, as in keepalived
 * @param node name of this node
 * @param reason the reason as in the status; for a group that of the member that changed last
 * @param addresses the virtual addresses, with prefix length
 * @param time when the state was entered
 */
record Notification(
    Type type,
    String name,
    State state,
    State previous,
    int priority,
    String node,
    String reason,
    List<String> addresses,
    Instant time) {

  /** The words of keepalived. */
  enum Type {
    INSTANCE,
    GROUP
  }

  Notification {
    addresses = List.copyOf(addresses);
  }

  /** keepalived's word for a state, as in {@code MASTER}. */
  static String word(State state) {
    return state.name().toUpperCase(Locale.ROOT);
  }

  /**
   * The arguments that keepalived appends to the command of a notify script: type, name, state,
   * priority.
   */
  List<String> arguments() {
    return List.of(type.name(), name, word(state), Integer.toString(priority));
  }

  /** The notification as one line of text. */
  String sentence() {
    return "%s %s is %s on %s%s%s: %s"
        .formatted(
            type == Type.GROUP ? "Sync group" : "VirtualIP",
            name,
            word(state),
            node,
            previous == null ? "" : ", was " + word(previous),
            reason.isEmpty() ? "" : " (" + reason + ")",
            String.join(", ", addresses));
  }
}
