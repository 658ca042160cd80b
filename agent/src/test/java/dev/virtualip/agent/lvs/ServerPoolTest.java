package dev.virtualip.agent.lvs;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.plan.VirtualServer;
import dev.virtualip.agent.plan.VirtualServer.RealServer;
import dev.virtualip.crds.values.IpPrefix;
import java.util.Map;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;

/** Real servers come, fail and go, and the pool decides as keepalived does. */
class ServerPoolTest {
  private static final RealServer ONE = server("10.0.0.21");
  private static final RealServer TWO = server("10.0.0.22");

  private ServerPool pool = new ServerPool(virtualServer(""));

  private static RealServer server(String address) {
    return new RealServer(IpPrefix.parseAddress(address), 0);
  }

  private static VirtualServer virtualServer(String more) {
    return virtualServer(more, "{address: 10.0.0.21}, {address: 10.0.0.22, weight: 3}");
  }

  private static VirtualServer virtualServer(String more, String servers) {
    return OneVirtualServer.config(servers, "checks: [{name: tcp, tcp: {}}]", more)
        .virtualServers()
        .getFirst();
  }

  /** Address and weight of each destination. */
  private String destinations() {
    return pool.services().getFirst().destinations().stream()
        .map(d -> IpPrefix.text(d.address()) + ":" + d.port() + "=" + d.weight())
        .collect(Collectors.joining(" "));
  }

  private void fail(RealServer server) {
    pool.checked(server, "tcp", "connect refused", null);
  }

  private void recover(RealServer server) {
    pool.checked(server, "tcp", null, null);
  }

  @Test
  void serversAreUpUntilACheckFails() {
    assertEquals("10.0.0.21:80=1 10.0.0.22:80=3", destinations());
    fail(ONE);
    assertEquals("10.0.0.22:80=3", destinations());
    assertEquals(Map.of(ONE, "connect refused"), pool.down());
    recover(ONE);
    assertEquals("10.0.0.21:80=1 10.0.0.22:80=3", destinations());
  }

  /** keepalived: inhibit_on_failure. */
  @Test
  void aServerThatQuiescesKeepsItsConnections() {
    pool = new ServerPool(virtualServer("onFailure: Quiesce"));
    fail(TWO);
    assertEquals("10.0.0.21:80=1 10.0.0.22:80=0", destinations());
  }

  /** keepalived: quorum counts weights, and with it lost the sorry server is alone. */
  @Test
  void withItsQuorumLostTheSorryServerServesAlone() {
    pool = new ServerPool(virtualServer("quorum: 3\n      sorryServer: {address: 10.0.0.9}"));
    assertTrue(pool.hasQuorum());
    fail(TWO);
    assertFalse(pool.hasQuorum());
    assertEquals("10.0.0.9:80=1", destinations());
    recover(TWO);
    assertEquals("10.0.0.21:80=1 10.0.0.22:80=3", destinations());
  }

  /** keepalived: lost below quorum - hysteresis, back at quorum + hysteresis. */
  @Test
  void hysteresisWidensTheQuorumInBothDirections() {
    pool = new ServerPool(virtualServer("quorum: 2\n      hysteresis: 1"));
    fail(TWO);
    assertTrue(pool.hasQuorum(), "1 is not below 2 - 1");
    fail(ONE);
    assertFalse(pool.hasQuorum());
    recover(ONE);
    assertFalse(pool.hasQuorum(), "1 is below 2 + 1");
    recover(TWO);
    assertTrue(pool.hasQuorum());
  }

  @Test
  void withoutASorryServerALostQuorumLeavesWhoIsUp() {
    pool = new ServerPool(virtualServer("quorum: 4"));
    fail(TWO);
    assertFalse(pool.hasQuorum());
    assertEquals("10.0.0.21:80=1", destinations());
  }

  @Test
  void anEditKeepsTheResultsOfServersThatStay() {
    fail(ONE);
    fail(TWO);
    pool.update(virtualServer("", "{address: 10.0.0.21}, {address: 10.0.0.23}"));
    assertEquals("10.0.0.23:80=1", destinations());
    pool.checked(TWO, "tcp", null, null);
    assertEquals(Map.of(ONE, "connect refused"), pool.down());
  }

  /** keepalived: misc_dynamic, whose checks change the weight by their differences to it. */
  @Test
  void weightsOfChecksAddUpAndCountForTheQuorum() {
    pool = new ServerPool(virtualServer("quorum: 10"));
    assertTrue(pool.checked(TWO, "tcp", null, 9), "another weight");
    assertFalse(pool.checked(TWO, "tcp", null, 9), "nothing new");
    assertEquals("10.0.0.21:80=1 10.0.0.22:80=9", destinations());
    assertTrue(pool.hasQuorum());
    pool.checked(TWO, "other", null, 2);
    assertEquals("10.0.0.21:80=1 10.0.0.22:80=8", destinations());
    assertFalse(pool.hasQuorum());
    pool.checked(TWO, "tcp", null, 0);
    assertEquals("10.0.0.21:80=1 10.0.0.22:80=0", destinations(), "not below 0");
    assertTrue(pool.checked(TWO, "tcp", "refused", null));
    assertFalse(pool.checked(TWO, "other", "refused", null), "it is down already");
    assertEquals(Map.of(TWO, "refused; refused"), pool.down());
  }
}
