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
      case Init ->
          Kind.AgentStopped.name().equals(status.reason()) ? Notifications.State.Stop : null;
      case Fault ->
          Kind.Deleted.name().equals(status.reason())
              ? Notifications.State.Deleted
              : ran ? Notifications.State.Fault : null;
      case Unknown -> null;
    };
  }
}
