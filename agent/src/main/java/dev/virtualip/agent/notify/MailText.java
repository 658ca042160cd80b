package dev.virtualip.agent.notify;

import dev.virtualip.agent.notify.Notification.Type;
import dev.virtualip.crds.schema.Notifications.State;

/**
 * Subject and text of a mail. The subject and the first line of the text are those of keepalived,
 * so that existing mail filters match.
 */
final class MailText {
  private MailText() {}

  /** As in {@code [LVS_DEVEL] VRRP Instance web - Entering MASTER state}. */
  static String subject(String routerId, Notification notification) {
    return "[%s] VRRP %s %s - %s"
        .formatted(
            routerId,
            notification.type() == Type.GROUP ? "Group" : "Instance",
            notification.name(),
            switch (notification.state()) {
              case Master, Backup, Fault ->
                  "Entering " + Notification.word(notification.state()) + " state";
              case Stop -> "Stopping";
              case Deleted -> "Deleted";
            });
  }

  /** The text: what has happened, and all details. */
  static String body(Notification notification) {
    var text = new StringBuilder();
    text.append("=> ").append(firstLine(notification)).append(" <=\n\n");
    row(text, "Node", notification.node());
    row(text, "Addresses", String.join(", ", notification.addresses()));
    row(text, "State", Notification.word(notification.state()));
    row(
        text,
        "Before",
        notification.previous() == null ? "" : Notification.word(notification.previous()));
    row(text, "Reason", notification.reason());
    if (notification.type() == Type.INSTANCE) {
      row(text, "Priority", Integer.toString(notification.priority()));
    }
    row(text, "Since", notification.time().toString());
    return text.toString();
  }

  private static String firstLine(Notification notification) {
    var state = notification.state();
    if (notification.type() == Type.GROUP) {
      return state == State.Stop
          ? "All VRRP group instances are now stopping"
          : "All VRRP group instances are now in " + Notification.word(state) + " state";
    }
    return switch (state) {
      case Master -> "VRRP Instance is now owning VRRP VIPs";
      case Backup, Fault -> "VRRP Instance is no longer owning VRRP VIPs";
      case Stop -> "VRRP Instance stopping";
      case Deleted -> "VRRP Deleted at reload";
    };
  }

  private static void row(StringBuilder text, String title, String value) {
    if (!value.isEmpty()) {
      text.append("%-10s %s%n".formatted(title + ":", value));
    }
  }
}
