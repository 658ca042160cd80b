package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assumptions.assumeTrue;

import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Host;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.Tunnel;
import java.time.Duration;
import java.util.Map;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** Adverts by a NIC without Ethernet, as those of WireGuard and of other tunnels are. */
@InLab
class TunnelIT {
  private static final Duration SOON = Duration.ofSeconds(60);

  private Lab lab;
  private Host a;
  private Host b;

  @BeforeEach
  void build() {
    assumeTrue(Tunnel.available(), "needs /dev/net/tun");
    lab = Lab.open();
    var wire = lab.wire("lan");
    a = lab.host("a").plug("eth0", wire, "10.9.0.1/24");
    b = lab.host("b").plug("eth0", wire, "10.9.0.2/24");
    Tunnel.open(a, "tun0", "10.9.0.1", "10.9.0.2", "192.168.9.1/24");
    Tunnel.open(b, "tun0", "10.9.0.2", "10.9.0.1", "192.168.9.2/24");
  }

  @AfterEach
  void close() {
    if (lab != null) {
      lab.close();
    }
  }

  private static AgentProgram agent(Host host, String transport) {
    return AgentProgram.start(
        host,
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: web}
        spec:
          vrid: 51
          interface: tun0
          advertInterval: 200ms
          transport: %s
          addresses:
            - {address: 10.9.0.100/24, interface: eth0}
            - {address: 192.168.9.100/32}
          nodes: {overrides: [{name: a, priority: 150}]}
        """
            .formatted(transport),
        Map.of());
  }

  @Test
  void unicastAdvertsAreHeardAndAddressesMove() {
    var transport = "{mode: Unicast, peers: [192.168.9.1, 192.168.9.2]}";
    try (var ours = agent(a, transport);
        var theirs = agent(b, transport)) {
      ours.awaitStatus("web", "state", "Master");
      Await.until(
          "ours alone",
          SOON,
          () ->
              a.hasAddress("10.9.0.100")
                  && a.hasAddress("192.168.9.100")
                  && !b.hasAddress("10.9.0.100"));
      theirs.awaitStatus("web", "state", "Backup");
      ours.stop();
      theirs.awaitStatus("web", "reason", "MasterResigned");
      Await.until(
          "theirs", SOON, () -> b.hasAddress("10.9.0.100") && b.hasAddress("192.168.9.100"));
    }
  }

  @Test
  void advertsToTheGroupAreAFault() {
    try (var agent = agent(a, "{mode: Multicast}")) {
      agent.awaitStatus("web", "state", "Fault");
      agent.awaitStatus("web", "reason", "NotEthernet(tun0)");
    }
  }
}
