package dev.virtualip.e2e.lab;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Map;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.BeforeAll;
import org.junit.jupiter.api.Test;

/**
 * What tests of layer 4 build on: the modules of a real server's kernel in a lab as any other. One
 * lab for all, for commands are slow in the VM.
 */
@NeedsKernel({
  "ip_vs",
  "8021q",
  "bonding",
  "dummy",
  "fou",
  "ip_gre",
  "ipip",
  "macvlan",
  "sch_netem",
  "vrf"
})
class KernelTierIT {
  private static Lab lab;
  private static Host a;
  private static Host b;

  @BeforeAll
  static void openLab() {
    lab = Lab.open();
    var wire = lab.wire("lan");
    a = lab.host("a").plug("eth0", wire, "10.0.0.11/24");
    b = lab.host("b").plug("eth0", wire, "10.0.0.12/24");
  }

  @AfterAll
  static void closeLab() {
    lab.close();
  }

  @Test
  void aHostHasVirtualServersOfItsOwnWithEveryScheduler() {
    var schedulers = "rr wrr lc wlc lblc lblcr dh sh sed nq fo ovf mh";
    a.sh(
        "mark=0; for scheduler in %s; do ipvsadm -A -f $((mark += 1)) -s $scheduler; done"
            .formatted(schedulers));
    var listed = a.sh("ipvsadm -Ln | awk '/^FWM/ {print $3}'");
    assertEquals(schedulers, listed.strip().replace('\n', ' '));
    assertFalse(b.sh("ipvsadm -Ln").contains("FWM"));
  }

  @Test
  void aHostHasNicsOfEveryKind() {
    a.sh(
        """
        ip link add macvlan1 link eth0 type macvlan
        ip link add vlan7 link eth0 type vlan id 7
        ip link add bond1 type bond
        ip link add dummy1 type dummy
        ip link add vrf1 type vrf table 7
        ip link add ipip1 type ipip remote 10.0.0.12
        ip link add gre1 type gre remote 10.0.0.12
        ip link add gue1 type ipip remote 10.0.0.13 encap gue encap-dport 6080
        ip fou add port 6080 gue
        """);
  }

  @Test
  void aNicLosesPackets() {
    assertTrue(b.reaches("10.0.0.11"));
    b.sh("tc qdisc add dev eth0 root netem loss 100%");
    assertFalse(b.reaches("10.0.0.11"));
    b.sh("tc qdisc del dev eth0 root");
  }

  @Test
  void theAgentBecomesMaster() {
    var manifest =
        """
        apiVersion: virtualip.dev/v1alpha1
        kind: VirtualIP
        metadata: {name: web}
        spec: {vrid: 51, interface: eth0, addresses: [{address: 10.0.0.100/24}]}
        """;
    try (var agent = AgentProgram.start(a, manifest, Map.of())) {
      agent.awaitStatus("web", "state", "Master");
      assertTrue(b.reaches("10.0.0.100"));
    }
  }
}
