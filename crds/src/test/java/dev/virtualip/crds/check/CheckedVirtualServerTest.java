package dev.virtualip.crds.check;

import static dev.virtualip.crds.check.Specs.virtualIp;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertNotEquals;
import static org.junit.jupiter.api.Assertions.assertNull;

import dev.virtualip.crds.check.CheckedSpec.ConnectionSync;
import dev.virtualip.crds.check.CheckedSpec.ConnectionTimeouts;
import dev.virtualip.crds.check.CheckedVirtualServer.Server;
import dev.virtualip.crds.check.CheckedVirtualServer.Service;
import dev.virtualip.crds.schema.HealthCheck;
import dev.virtualip.crds.schema.Tunnel;
import dev.virtualip.crds.schema.VirtualServer.Forwarding;
import dev.virtualip.crds.schema.VirtualServer.OnFailure;
import dev.virtualip.crds.schema.VirtualServer.Protocol;
import dev.virtualip.crds.schema.VirtualServer.Scheduler;
import dev.virtualip.crds.schema.VirtualServer.SchedulerFlag;
import dev.virtualip.crds.values.IpPrefix;
import java.net.InetAddress;
import java.time.Duration;
import java.util.List;
import java.util.Set;
import org.junit.jupiter.api.Test;

class CheckedVirtualServerTest {
  private static final InetAddress FOUR = ip("203.0.113.10");
  private static final InetAddress SIX = ip("2001:db8::10");
  private static final Server SERVER_4 = new Server(ip("10.0.0.21"), 0, 1);
  private static final Server SERVER_6 = new Server(ip("2001:db8::21"), 0, 1);
  private static final String BOTH =
      "realServers: {addresses: [{address: 10.0.0.21}, {address: '2001:db8::21'}]}";

  private static InetAddress ip(String text) {
    return IpPrefix.parseAddress(text);
  }

  private static CheckedSpec spec(String fields) {
    var result =
        CheckedSpec.check(
            virtualIp(
                "web",
                null,
                "{addresses: [{address: 203.0.113.10/24}, {address: '2001:db8::10/64', advertised:"
                    + " false}, {address: 'fe80::10/64', advertised: false}], "
                    + fields
                    + "}"));
    assertEquals(List.of(), result.problems());
    return result.spec();
  }

  private static CheckedVirtualServer check(String fields) {
    return spec("virtualServers: [{name: web, " + fields + "}]").virtualServers().getFirst();
  }

  @Test
  void withoutMoreThanThePortAllElseIsTheDefault() {
    var server = check("port: 443, forwarding: Masquerade, " + BOTH);
    assertEquals(
        List.of(
            new Service(false, Protocol.TCP, FOUR, 443, 0),
            new Service(true, Protocol.TCP, SIX, 443, 0)),
        server.services(),
        "all addresses but link-local ones");
    assertEquals(Scheduler.wlc, server.scheduler());
    assertEquals(Set.of(), server.schedulerFlags());
    assertNull(server.tunnel());
    assertNull(server.persistence());
    assertEquals(1, server.quorum());
    assertEquals(0, server.hysteresis());
    assertNull(server.sorryServer());
    assertEquals(OnFailure.Remove, server.onFailure());
    assertEquals(List.of(SERVER_4, SERVER_6), server.servers());
    assertNull(server.nodes());
    assertNull(server.pods());
  }

  @Test
  void eachPortOfARangeIsAServiceOfEachAddress() {
    var server =
        check(
            "protocol: UDP, port: 53, endPort: 55, addresses: ['2001:db8:0::10'], forwarding:"
                + " DirectRoute, realServers: {addresses: [{address: '2001:db8::21'}]}");
    assertEquals(List.of(53, 54, 55), server.services().stream().map(Service::port).toList());
    assertEquals(
        Set.of(SIX), Set.copyOf(server.services().stream().map(Service::address).toList()));
    assertEquals(54, server.servers().getFirst().portIn(server.services().get(1)));
  }

  @Test
  void aMarkIsAServiceOfEachFamilyThatHasServers() {
    var nodes = "realServers: {nodes: {selector: {matchLabels: {a: b}}, port: 8443, weight: 3}}";
    var server = check("fwmark: 7, forwarding: Masquerade, " + nodes);
    assertEquals(
        List.of(new Service(false, null, null, 0, 7), new Service(true, null, null, 0, 7)),
        server.services());
    assertEquals(8443, server.nodes().port());
    assertEquals(3, server.nodes().weight());
    var six = "realServers: {addresses: [{address: '2001:db8::21'}]}";
    assertEquals(
        List.of(new Service(true, null, null, 0, 7)),
        check("fwmark: 7, forwarding: Tunnel, " + six).services());
  }

  @Test
  void textsBecomeValues() {
    var server =
        check(
            """
            port: 0, forwarding: Tunnel, tunnel: {type: GUE}, scheduler: sh,
            schedulerFlags: [Port, Port], persistence: {timeout: 1m30s, prefix: 24},
            quorum: 5, hysteresis: 2, sorryServer: {address: 10.0.0.9}, onFailure: Quiesce,
            addresses: [203.0.113.10], realServers: {addresses: [{address: 10.0.0.21, weight: 0}],
            pods: {namespace: n, selector: {matchLabels: {a: b}}}}
            """);
    assertEquals(Forwarding.Tunnel, server.forwarding());
    assertEquals(new Tunnel(Tunnel.Type.GUE, 6080, Tunnel.Checksum.None), server.tunnel());
    assertEquals(Set.of(SchedulerFlag.Port), server.schedulerFlags());
    assertEquals(Duration.ofSeconds(90), server.persistence().timeout());
    assertEquals(24, server.persistence().length(false));
    assertEquals(new Server(ip("10.0.0.9"), 0, 1), server.sorryServer());
    assertEquals(List.of(new Server(ip("10.0.0.21"), 0, 0)), server.servers());
    assertEquals("n", server.pods().namespace());
  }

  @Test
  void withoutAPrefixClientsStayEachByItself() {
    var persistence =
        check("port: 443, forwarding: Masquerade, persistence: {}, " + BOTH).persistence();
    assertEquals(Duration.ofMinutes(6), persistence.timeout());
    assertEquals(32, persistence.length(false));
    assertEquals(128, persistence.length(true));
  }

  @Test
  void serversServeTheirFamily() {
    var server = check("port: 443, forwarding: Tunnel, " + BOTH);
    assertEquals(List.of(SERVER_4), server.serversOf(false));
    assertEquals(List.of(SERVER_6), server.serversOf(true));
  }

  @Test
  void throughATunnelTheyServeAFamilyThatHasNone() {
    var four = "realServers: {addresses: [{address: 10.0.0.21}]}";
    var server = check("port: 443, forwarding: Tunnel, " + four);
    assertEquals(List.of(SERVER_4), server.serversOf(true));
    var one = check("port: 443, addresses: [203.0.113.10], forwarding: Tunnel, " + BOTH);
    assertEquals(List.of(SERVER_4, SERVER_6), one.serversOf(false));
  }

  @Test
  void checksAskAtTheServer() {
    var server =
        check(
            """
            port: 443, endPort: 444, forwarding: Masquerade, realServers: {pods: {namespace: n,
            selector: {matchLabels: {a: b}}}}, checks: [{name: a, tcp: {}}, {name: b, http:
            {host: 10.0.0.1, port: 80}}, {name: c, exec: {command: [x]}}]
            """);
    var checks = server.checksOf(ip("10.1.0.5"), 0);
    assertEquals(new HealthCheck.Tcp("10.1.0.5", 443), checks.get(0).tcp());
    assertEquals("10.0.0.1", checks.get(1).http().host());
    assertEquals(80, checks.get(1).http().port());
    assertEquals(server.checks().get(2), checks.get(2));
    assertEquals(
        new HealthCheck.Tcp("2001:db8::5", 8443),
        server.checksOf(ip("2001:db8::5"), 8443).get(0).tcp());
  }

  @Test
  void checksWithAPortOfTheirOwnAskThereOnlyIfTheServerHasNone() {
    var checks =
        ", forwarding: Masquerade, checks: [{name: d, dns: {}}, {name: s, smtp: {}}, {name: p, ping:"
            + " {}}, {name: u, udp: {port: 9}}], "
            + BOTH;
    var some = check("port: 443" + checks);
    assertEquals(443, some.askedPort(0));
    assertEquals(443, some.checksOf(ip("10.1.0.5"), 0).get(0).dns().port());
    assertEquals(8025, some.checksOf(ip("10.1.0.5"), 8025).get(1).smtp().port());
    assertEquals("10.1.0.5", some.checksOf(ip("10.1.0.5"), 0).get(2).ping().host());
    assertEquals(9, some.checksOf(ip("10.1.0.5"), 0).get(3).udp().port());
    var none = check("fwmark: 7" + checks);
    assertNull(none.askedPort(0));
    assertEquals(53, none.checksOf(ip("10.1.0.5"), 0).get(0).dns().port());
    assertEquals(25, none.checksOf(ip("10.1.0.5"), 0).get(1).smtp().port());
  }

  @Test
  void connectionsAreCopiedUnderTheVridByDefault() {
    var server = "virtualServers: [{name: a, port: 443, forwarding: Masquerade, " + BOTH + "}]";
    var spec =
        spec(
            server + ", connectionSync: {interface: eth0}, connectionTimeouts: {tcp: 1h, udp: 5s}");
    assertEquals(new ConnectionSync("eth0", 77), spec.connectionSync());
    assertEquals(
        new ConnectionTimeouts(Duration.ofHours(1), null, Duration.ofSeconds(5)),
        spec.connectionTimeouts());
    assertEquals(
        0, spec(server + ", connectionSync: {interface: a, syncId: 0}").connectionSync().syncId());
    assertNull(spec(server).connectionSync());
    assertNull(spec(server).connectionTimeouts());
  }

  @Test
  void equalVirtualServersAreEqual() {
    var fields = "port: 443, forwarding: Masquerade, checks: [{name: a, tcp: {}}], " + BOTH;
    assertEquals(check(fields), check(fields));
    assertNotEquals(check(fields), check(fields.replace("443", "444")));
  }
}
