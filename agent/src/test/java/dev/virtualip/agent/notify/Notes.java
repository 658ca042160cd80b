package dev.virtualip.agent.notify;

import dev.virtualip.agent.notify.Notification.Type;
import dev.virtualip.crds.schema.Notifications.State;
import dev.virtualip.crds.schema.VirtualIp;
import dev.virtualip.crds.schema.VirtualIpSpec;
import dev.virtualip.crds.schema.VirtualIpStatus;
import dev.virtualip.crds.schema.VirtualIpStatus.NodeStatus;
import io.fabric8.kubernetes.client.utils.Serialization;
import java.time.Instant;
import java.util.List;

/** Notifications and what they come from. */
final class Notes {
  static final Instant NOON = Instant.parse("2026-01-02T12:00:00.123Z");

  /** node-b has taken over. */
  static final Notification MASTER = note(State.Master, State.Backup);

  private Notes() {}

  static Notification note(State state, State previous) {
    return new Notification(
        Type.INSTANCE,
        "web",
        state,
        previous,
        80,
        "node-b",
        "MasterDown",
        List.of("203.0.113.10/24"),
        NOON);
  }

  static Notification group(State state) {
    return new Notification(
        Type.GROUP, "edge", state, null, 0, "node-b", "", List.of("10.0.0.1/24"), NOON);
  }

  /** A spec with an address and these fields. */
  static VirtualIpSpec spec(String fields) {
    return Serialization.unmarshal(
        "---\n{vrid: 1, interface: eth0, addresses: [{address: 203.0.113.10/24}], " + fields + "}",
        VirtualIpSpec.class);
  }

  static VirtualIp vip(String fields) {
    var vip = new VirtualIp();
    vip.setSpec(spec(fields));
    return vip;
  }

  static NodeStatus status(String reason) {
    return new NodeStatus(
        VirtualIpStatus.State.Master, 80, NOON.toString(), reason, null, 1L, null, 1L);
  }
}
