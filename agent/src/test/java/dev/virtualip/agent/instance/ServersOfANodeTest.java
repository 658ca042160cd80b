package dev.virtualip.agent.instance;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.net.AddressPort;
import dev.virtualip.agent.net.IpvsPort.ConnectionTimeouts;
import dev.virtualip.agent.net.IpvsPort.Protocol;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.SyncDaemon;
import dev.virtualip.agent.net.IpvsPort.SyncRole;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.agent.plan.Plan;
import dev.virtualip.crds.check.NodeFacts;
import dev.virtualip.crds.schema.VirtualIpStatus.State;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;

/** What a node does for virtual servers besides having them in IPVS while it is master. */
class ServersOfANodeTest {
  private static final long SECOND = 1_000_000_000L;
  private static final NodeFacts SERVER = new NodeFacts("node-a", Map.of("lb", "yes"), true);
  private static final NodeFacts OTHER = new NodeFacts("node-a", Map.of(), true);
  private static final String LVS =
      """
      metadata: {name: lvs, generation: 1}
      spec:
        vrid: 77
        interface: eth0
        addresses: [{address: 203.0.113.10/24, interface: eth1}]
        virtualServers:
          - name: http
            port: 80
            forwarding: DirectRoute
            realServers: {nodes: {selector: {matchLabels: {lb: 'yes'}}}}
      """;
  private static final String ELSEWHERE =
      LVS.replace("spec:", "spec:\n  nodes: {selector: {matchLabels: {edge: 'true'}}}");
  private static final String SYNC =
      LVS + "  connectionSync: {interface: eth0}\n  connectionTimeouts: {tcp: 5m}\n";
  private static final IpPrefix ACCEPTED = IpPrefix.parse("203.0.113.10/32");

  private final FakeNode fake = new FakeNode();
  private final Plan plan = new Plan("node-a");
  private final NodeMachine machine =
      new NodeMachine(Map.of(), Set.of(), fake.node, new NobodyListens());
  private long now = 1;

  @BeforeEach
  void start() {
    fake.link("lo", 1, true, 0, 0, 0, 0, 0, 0);
    machine.start();
    fake.log.clear();
  }

  private void want(NodeFacts self, String... yaml) {
    fake.want(machine, plan, self, now, yaml);
  }

  private void passUntil(long time) {
    now = FakeNode.passUntil(machine, now, time);
  }

  /** The classic recipe of LVS-DR: arp_ignore 1, arp_announce 2, and only then the address. */
  @Test
  void aRealServerOfDirectRouteAcceptsTheAddressAndTellsNobody() {
    want(SERVER, ELSEWHERE);
    assertEquals(
        List.of("restrict ARP of eth1", "put 203.0.113.10/32 lease 3600"), fake.log.subList(0, 2));
  }

  @Test
  void theLeaseIsRenewedInTime() {
    want(SERVER, ELSEWHERE);
    fake.log.clear();
    passUntil(40 * SECOND);
    assertTrue(fake.log.contains("put 203.0.113.10/32 lease 3600"), fake.log::toString);
  }

  @Test
  void whatSomebodyRemovedIsThereAgainAfterTheNextReading() {
    want(SERVER, ELSEWHERE);
    fake.bound.remove(ACCEPTED);
    passUntil(6 * SECOND);
    assertTrue(fake.bound.containsKey(ACCEPTED));
  }

  @Test
  void aNodeThatIsNoServerAnyMoreTakesItOff() {
    want(SERVER, ELSEWHERE);
    want(OTHER, ELSEWHERE);
    assertFalse(fake.bound.containsKey(ACCEPTED));
  }

  @Test
  void aDeletedVirtualIpIsNotAcceptedAnyMore() {
    want(SERVER, ELSEWHERE);
    want(SERVER);
    assertFalse(fake.bound.containsKey(ACCEPTED));
  }

  @Test
  void aServerThatIsListedByTheNodesOwnAddressAcceptsToo() {
    var listed = "realServers: {addresses: [{address: 10.0.0.11}]}";
    want(OTHER, ELSEWHERE.replaceAll("realServers: .*", listed));
    assertTrue(fake.bound.containsKey(ACCEPTED));
  }

  @Test
  void withMasqueradeNothingIsAccepted() {
    want(SERVER, ELSEWHERE.replace("DirectRoute", "Masquerade"));
    assertFalse(fake.bound.containsKey(ACCEPTED));
  }

  /** Who sends it packets through a tunnel needs a device that takes them in. */
  @Test
  void aTunnelIsOpenedIfItsModuleIsLoaded() {
    fake.link("tunl0", 9, false, 0, 0, 0, 0);
    fake.report();
    want(SERVER, ELSEWHERE.replace("DirectRoute", "Tunnel"));
    assertTrue(fake.log.contains("open tunnel tunl0"), fake.log::toString);
  }

  @Test
  void withoutTheModuleTheStatusSaysWhatToLoad() {
    want(SERVER, LVS.replace("DirectRoute", "Tunnel"));
    passUntil(2 * SECOND);
    assertEquals(
        "spec.virtualServers: this node takes in no IPIP: load its module (modprobe ipip)",
        machine.statuses().get("lvs").message());
  }

  @Test
  void anAddressThatSomebodyElseHasPutOnLoStaysAsItIs() {
    fake.bind(1, "203.0.113.10/32", 0);
    fake.report();
    want(SERVER, ELSEWHERE);
    want(OTHER, ELSEWHERE);
    assertTrue(fake.bound.containsKey(ACCEPTED));
  }

  /** The agent may only be replaced: its successor renews the lease, or it ends. */
  @Test
  void anAgentThatEndsLeavesItForItsSuccessor() {
    want(SERVER, ELSEWHERE);
    machine.stop(now);
    assertTrue(fake.bound.containsKey(ACCEPTED));
  }

  /** Its connections go on meanwhile. */
  @Test
  void whatAnEarlierLifeHasLeftOnLoStaysUntilItIsKnownWhatIsWanted() {
    fake.bind(1, "203.0.113.99/32", AddressPort.PROTOCOL);
    fake.bind(1, "203.0.113.10/32", AddressPort.PROTOCOL);
    machine.start();
    assertEquals(List.of(), fake.log);
    want(SERVER, ELSEWHERE);
    assertFalse(fake.log.contains("delete 203.0.113.10/32"), fake.log::toString);
    assertTrue(fake.log.contains("delete 203.0.113.99/32"), fake.log::toString);
  }

  @Test
  void aServiceOfAnotherProgramIsAFaultUntilItIsGone() {
    var key = ServiceKey.of(Protocol.TCP, InetAddress.ofLiteral("203.0.113.10"), 80);
    fake.ipvs.services.put(key, new VirtualService(key, "rr", Set.of(), false, 0, 0, List.of()));
    want(OTHER, LVS);
    passUntil(6 * SECOND);
    assertEquals("VirtualServerInUse(" + key + ")", machine.statuses().get("lvs").reason());
    fake.ipvs.services.remove(key);
    passUntil(20 * SECOND);
    assertEquals(State.Master, machine.statuses().get("lvs").state());
  }

  @Test
  void aKernelThatGetsIpvsEndsTheFault() {
    fake.ipvs.available = false;
    want(OTHER, LVS);
    passUntil(6 * SECOND);
    assertEquals("IpvsNotAvailable", machine.statuses().get("lvs").reason());
    fake.ipvs.available = true;
    passUntil(20 * SECOND);
    assertEquals(State.Master, machine.statuses().get("lvs").state());
  }

  /** keepalived: lvs_sync_daemon changes its role with the instance. */
  @Test
  void theSyncDaemonHasTheRoleOfTheNode() {
    want(OTHER, SYNC);
    assertEquals(
        Map.of(SyncRole.BACKUP, new SyncDaemon(SyncRole.BACKUP, "eth0", 77)), fake.ipvs.daemons);
    passUntil(5 * SECOND);
    assertEquals(
        Map.of(SyncRole.MASTER, new SyncDaemon(SyncRole.MASTER, "eth0", 77)), fake.ipvs.daemons);
    machine.stop(now);
    assertEquals(Map.of(), fake.ipvs.daemons);
  }

  @Test
  void aSyncDaemonOfAnotherProgramStaysAndTheStatusSaysSo() {
    fake.ipvs.daemons.put(SyncRole.MASTER, new SyncDaemon(SyncRole.MASTER, "eth1", 9));
    want(OTHER, SYNC);
    passUntil(5 * SECOND);
    assertEquals("eth1", fake.ipvs.daemons.get(SyncRole.MASTER).interfaceName());
    assertEquals(
        "spec.connectionSync: EEXIST: another one runs", machine.statuses().get("lvs").message());
  }

  @Test
  void aSyncDaemonThatSomebodyStoppedIsStartedAgain() {
    want(OTHER, SYNC);
    fake.ipvs.daemons.clear();
    passUntil(6 * SECOND);
    assertEquals(Set.of(SyncRole.MASTER), fake.ipvs.daemons.keySet());
  }

  @Test
  void timeoutsThatAreNotGivenStayAsTheyAre() {
    want(OTHER, SYNC);
    assertEquals(new ConnectionTimeouts(300, 0, 0), fake.ipvs.timeouts);
  }
}
