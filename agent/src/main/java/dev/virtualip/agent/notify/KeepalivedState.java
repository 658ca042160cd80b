package dev.virtualip.agent.notify;

import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.crds.schema.Notifications;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;

/** The states of keepalived's notify scripts. */
public final class KeepalivedState {
  private KeepalivedState() {}

  /**
   * keepalived's state for a status, or null for a status about which keepalived does not notify.
   */
  public static Notifications.State of(NodeStatus status) {
    boolean ran = status.priority() != null;
    return switch (status.state()) {
      case Master -> Notifications.State.Master;
      case Backup -> Notifications.State.Backup;
      case Init -> ended(status.reason());
      case Fault -> ran ? Notifications.State.Fault : null;
      case Unknown -> null;
    };
  }

  private static Notifications.State ended(String reason) {
    if (Kind.AgentStopped.name().equals(reason)) {
      return Notifications.State.Stop;
    }
    boolean deleted = Kind.Deleted.name().equals(reason) || Kind.Deselected.name().equals(reason);
    return deleted ? Notifications.State.Deleted : null;
  }
}
