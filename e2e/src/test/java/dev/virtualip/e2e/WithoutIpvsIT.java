package dev.virtualip.e2e;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeFalse;

import dev.virtualip.agent.linux.Ipvs;
import dev.virtualip.agent.net.IpvsPort.Change;
import dev.virtualip.agent.net.IpvsPort.Change.PutService;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.SyncRole;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.e2e.lab.AgentProgram;
import dev.virtualip.e2e.lab.InLab;
import dev.virtualip.e2e.lab.Lab;
import java.io.IOException;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a node says whose kernel has no IPVS. Skipped where it has. */
@InLab
class WithoutIpvsIT {
  private static final String MANIFESTS =
      """
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: balanced}
      spec:
        vrid: 51
        interface: eth0
        addresses: [{address: 203.0.113.10/24}]
        virtualServers:
          - name: web
            port: 80
            forwarding: Masquerade
            realServers: {addresses: [{address: 10.0.0.21}]}
      ---
      apiVersion: virtualip.dev/v1alpha1
      kind: VirtualIP
      metadata: {name: plain}
      spec: {vrid: 52, interface: eth0, addresses: [{address: 203.0.113.20/24}]}
      """;

  @BeforeEach
  void needNoIpvs() throws IOException {
    try (var ipvs = new Ipvs()) {
      assumeFalse(ipvs.available(), "the kernel has IPVS");
    }
  }

  @Test
  void allThatAsksSaysWhatToLoad() throws IOException {
    var service =
        new VirtualService(ServiceKey.ofMark(false, 7), "wlc", Set.of(), false, 0, 0, List.of());
    var put = List.<Change>of(new PutService(service));
    try (var ipvs = new Ipvs()) {
      for (var error :
          List.of(
              assertThrows(IOException.class, () -> ipvs.services()),
              assertThrows(IOException.class, () -> ipvs.apply(put)),
              assertThrows(IOException.class, () -> ipvs.timeouts()),
              assertThrows(IOException.class, () -> ipvs.stop(SyncRole.MASTER)))) {
        assertEquals("the kernel has no IPVS: load its module, modprobe ip_vs", error.getMessage());
      }
    }
  }

  @Test
  void aVirtualIpWithVirtualServersIsAtFaultAndAnotherIsNotDisturbed() {
    try (var lab = Lab.open()) {
      var node = lab.host("a").plug("eth0", lab.wire("lan"), "203.0.113.11/24");
      try (var agent = AgentProgram.start(node, MANIFESTS, Map.of())) {
        agent.awaitStatus("balanced", "reason", "IpvsNotAvailable");
        agent.awaitStatus("balanced", "state", "Fault");
        agent.awaitStatus("plain", "state", "Master");
        var message = agent.status("balanced").path("message").asText();
        assertTrue(message.contains("modprobe ip_vs"), message);
        assertTrue(node.hasAddress("203.0.113.20"));
        assertFalse(node.hasAddress("203.0.113.10"));
      }
    }
  }
}
