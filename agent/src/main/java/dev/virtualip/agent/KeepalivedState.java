package dev.virtualip.agent;

import dev.virtualip.agent.vrrp.Reason.Kind;
import dev.virtualip.crds.Notifications;
import dev.virtualip.crds.VirtualIpStatus.NodeStatus;

/** The states that keepalived tells its scripts. */
final class KeepalivedState {
  private KeepalivedState() {}

  /** The state that a status stands for, or null for one that keepalived does not tell. */
  static Notifications.State of(NodeStatus status) {
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
