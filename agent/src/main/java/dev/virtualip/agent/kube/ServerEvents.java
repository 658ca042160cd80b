package dev.virtualip.agent.kube;

import dev.virtualip.crds.schema.VirtualIpStatus.DownServer;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.schema.VirtualIpStatus.VirtualServerStatus;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.Set;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The Events about virtual servers between two statuses. All servers of one virtual server share
 * their Events, so that a thousand of them that flap raise a count, and no more.
 */
final class ServerEvents {
  private ServerEvents() {}

  /**
   * An Event.
   *
   * @param message what Events that become one have in common
   * @param detail text that is appended to the message, of the last one
   */
  record Said(boolean warning, String reason, String message, String detail) {}

  /**
   * The Events of a master.
   *
   * @param before this node's status before, in whatever state, or null
   */
  static List<Said> of(String node, NodeStatus before, NodeStatus now) {
    var known = byName(before);
    boolean was = before != null && before.state() == State.Master;
    var said = new ArrayList<Said>();
    byName(now)
        .forEach(
            (name, server) -> {
              var subject = "virtual server %s on %s".formatted(name, node);
              var last = known.get(name);
              if (was && last != null) {
                serversChanged(subject, last, server, said);
              }
              // A new master tells a quorum that it has found lost; the one before may be gone.
              boolean held = !was || last == null || last.up();
              if (held != server.up()) {
                said.add(quorumChanged(subject, server));
              }
            });
    return said;
  }

  private static Map<String, VirtualServerStatus> byName(NodeStatus status) {
    return status == null || status.virtualServers() == null
        ? Map.of()
        : status.virtualServers().stream()
            .collect(Collectors.toMap(VirtualServerStatus::name, Function.identity()));
  }

  private static void serversChanged(
      String subject, VirtualServerStatus last, VirtualServerStatus now, List<Said> said) {
    if (now.serversDown() > last.serversDown()) {
      var known = down(last).stream().map(DownServer::toString).collect(Collectors.toSet());
      var fresh =
          down(now).stream()
              .filter(server -> !known.contains(server.toString()))
              .map(server -> server + " (" + server.reason() + ")")
              .toList();
      said.add(new Said(true, "ServerDown", subject + " has lost a server", detail(fresh, now)));
    } else if (now.serversDown() < last.serversDown() && now.serversUp() > last.serversUp()) {
      var left = down(now).stream().map(DownServer::toString).collect(Collectors.toSet());
      var back =
          down(last).stream().map(DownServer::toString).filter(s -> !left.contains(s)).toList();
      // Where not all are listed, one that has left the list may be down still.
      var sure = now.serversDown() == left.size() ? back : List.<String>of();
      said.add(new Said(false, "ServerUp", subject + " has a server back", detail(sure, now)));
    }
  }

  private static Set<DownServer> down(VirtualServerStatus server) {
    return Set.copyOf(Objects.requireNonNullElse(server.down(), List.<DownServer>of()));
  }

  private static String detail(List<String> servers, VirtualServerStatus now) {
    var named = servers.isEmpty() ? "" : ": " + String.join(", ", servers);
    return "%s; %d of %d servers are up"
        .formatted(named, now.serversUp(), now.serversUp() + now.serversDown());
  }

  private static Said quorumChanged(String subject, VirtualServerStatus now) {
    var detail = ": weight %d is up, the quorum is %d".formatted(now.weightUp(), now.quorum());
    return now.up()
        ? new Said(false, "QuorumRegained", subject + " has its quorum again", detail)
        : new Said(true, "QuorumLost", subject + " has lost its quorum", detail);
  }
}
