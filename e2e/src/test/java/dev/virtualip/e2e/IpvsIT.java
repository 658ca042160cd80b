package dev.virtualip.e2e;

import static java.util.concurrent.TimeUnit.SECONDS;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.linux.Ipvs;
import dev.virtualip.agent.net.IpvsPort.Change;
import dev.virtualip.agent.net.IpvsPort.Change.DeleteDestination;
import dev.virtualip.agent.net.IpvsPort.Change.DeleteService;
import dev.virtualip.agent.net.IpvsPort.Change.PutDestination;
import dev.virtualip.agent.net.IpvsPort.Change.PutService;
import dev.virtualip.agent.net.IpvsPort.ConnectionTimeouts;
import dev.virtualip.agent.net.IpvsPort.Destination;
import dev.virtualip.agent.net.IpvsPort.DestinationStatistics;
import dev.virtualip.agent.net.IpvsPort.Forwarding;
import dev.virtualip.agent.net.IpvsPort.Protocol;
import dev.virtualip.agent.net.IpvsPort.SchedulerFlag;
import dev.virtualip.agent.net.IpvsPort.ServiceKey;
import dev.virtualip.agent.net.IpvsPort.SyncDaemon;
import dev.virtualip.agent.net.IpvsPort.SyncRole;
import dev.virtualip.agent.net.IpvsPort.Tunnel;
import dev.virtualip.agent.net.IpvsPort.TunnelChecksum;
import dev.virtualip.agent.net.IpvsPort.TunnelType;
import dev.virtualip.agent.net.IpvsPort.VirtualService;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.e2e.lab.Await;
import dev.virtualip.e2e.lab.Lab;
import dev.virtualip.e2e.lab.NeedsKernel;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.net.InetAddress;
import java.net.ServerSocket;
import java.net.Socket;
import java.net.SocketTimeoutException;
import java.time.Duration;
import java.util.ArrayList;
import java.util.HashSet;
import java.util.List;
import java.util.Set;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.Timeout;

/** IPVS of a real kernel, in a network namespace that is the lab's own, beside ipvsadm. */
@NeedsKernel({"ip_vs", "ip_gre", "fou"})
@Timeout(value = 120, unit = SECONDS)
class IpvsIT {
  private static final InetAddress VIP = IpPrefix.parseAddress("203.0.113.10");
  private static final InetAddress SIX = IpPrefix.parseAddress("2001:db8::10");
  private static final ServiceKey HTTPS = ServiceKey.of(Protocol.TCP, VIP, 443);
  private static final ServiceKey SIX_HTTPS = ServiceKey.of(Protocol.TCP, SIX, 443);
  private static final ServiceKey DNS = ServiceKey.of(Protocol.UDP, VIP, 53);
  private static final ServiceKey MARK = ServiceKey.ofMark(false, 4_294_967_295L);
  private static final ServiceKey SIX_MARK = ServiceKey.ofMark(true, 7);
  private static final List<String> SCHEDULERS =
      List.of(
          "rr", "wrr", "lc", "wlc", "lblc", "lblcr", "dh", "sh", "sed", "nq", "fo", "ovf", "mh");

  private Lab lab;
  private Ipvs ipvs;

  @BeforeEach
  void open() throws IOException {
    lab = Lab.open();
    ipvs = new Ipvs();
  }

  @AfterEach
  void close() throws IOException {
    ipvsadm("-C");
    ipvs.stop(SyncRole.MASTER);
    ipvs.stop(SyncRole.BACKUP);
    ipvs.close();
    lab.close();
  }

  @Test
  void ipvsadmShowsWhatIsPut() throws IOException {
    assertDone(
        put(service(HTTPS, "wlc").with(List.of(server("10.0.0.21", 8443, 1), server(22, 65_535)))));
    assertDone(put(service(DNS, "rr", 0, 0, true).with(List.of(direct("10.0.0.21", 53)))));
    assertDone(
        put(
            service(ServiceKey.of(Protocol.SCTP, VIP, 0), "wrr", 86_400, 8)
                .with(List.of(server("10.0.0.21", 0, 0)))));
    assertDone(put(service(MARK, "lc", 1, 1).with(List.of(direct("10.0.0.21", 0)))));
    assertDone(
        put(
            service(SIX_HTTPS, "sed", 360, 64)
                .with(List.of(server("2001:db8:1::21", 8443, 7), direct("2001:db8:1::22", 443)))));
    assertDone(put(service(SIX_MARK, "nq").with(List.of(server("2001:db8:1::21", 80, 1)))));
    // It takes a mark for a signed number.
    assertEquals(
        lines(
            """
            -A -t 203.0.113.10:443 -s wlc
            -a -t 203.0.113.10:443 -r 10.0.0.21:8443 -m -w 1
            -a -t 203.0.113.10:443 -r 10.0.0.22:443 -m -w 65535
            -A -u 203.0.113.10:53 -s rr -o
            -a -u 203.0.113.10:53 -r 10.0.0.21:53 -g -w 1
            -A --sctp-service 203.0.113.10:0 -s wrr -p 86400 -M 255.0.0.0
            -a --sctp-service 203.0.113.10:0 -r 10.0.0.21:0 -m -w 0
            -A -f -1 -s lc -p 1 -M 128.0.0.0
            -a -f -1 -r 10.0.0.21:0 -g -w 1
            -A -t [2001:db8::10]:443 -s sed -p 360 -M 64
            -a -t [2001:db8::10]:443 -r [2001:db8:1::21]:8443 -m -w 7
            -a -t [2001:db8::10]:443 -r [2001:db8:1::22]:443 -g -w 1
            -A -f 7 -6 -s nq
            -a -f 7 -6 -r [2001:db8:1::21]:80 -m -w 1
            """),
        lines(ipvsadm("-Sn")));
  }

  @Test
  void whatIpvsadmPutsIsRead() throws IOException {
    ipvsadm("-A -t 203.0.113.10:443 -s wlc -p 360 -M 255.255.255.0");
    ipvsadm("-a -t 203.0.113.10:443 -r 10.0.0.21:8443 -m -w 3");
    ipvsadm("-A -u 203.0.113.10:53 -s mh -b mh-fallback,mh-port,flag-3 -o");
    ipvsadm("-a -u 203.0.113.10:53 -r 10.0.0.21:53 -g -w 0");
    ipvsadm("-A -f 7 -6 -s rr -p 60 -M 56");
    ipvsadm("-a -f 7 -6 -r [2001:db8:1::21]:0 -i -w 1");
    assertEquals(
        Set.of(
            service(HTTPS, "wlc", 360, 24).with(List.of(server("10.0.0.21", 8443, 3))),
            new VirtualService(
                DNS,
                "mh",
                Set.of(SchedulerFlag.values()),
                true,
                0,
                0,
                List.of(direct("10.0.0.21", 53).withWeight(0))),
            service(SIX_MARK, "rr", 60, 56)
                .with(List.of(tunnel("2001:db8:1::21", 0, Tunnel.IPIP)))),
        Set.copyOf(ipvs.services()));
  }

  @Test
  void eachSchedulerIsTakenAndComesBackWithItsFlags() throws IOException {
    var changes = new ArrayList<Change>();
    var wanted = new HashSet<VirtualService>();
    for (var scheduler : SCHEDULERS) {
      for (int flags = 0; flags < 8; flags++) {
        var set = flags(flags);
        var key = ServiceKey.of(Protocol.TCP, VIP, 1 + wanted.size());
        var service = new VirtualService(key, scheduler, set, false, 0, 0, List.of());
        wanted.add(service);
        changes.add(new PutService(service));
      }
    }
    assertDone(changes);
    assertEquals(wanted, Set.copyOf(ipvs.services()));
    var saved = lines(ipvsadm("-Sn"));
    int sh = 1 + 8 * SCHEDULERS.indexOf("sh");
    int mh = 1 + 8 * SCHEDULERS.indexOf("mh");
    assertTrue(saved.contains("-A -t 203.0.113.10:" + sh + " -s sh"), saved.toString());
    assertTrue(
        saved.contains("-A -t 203.0.113.10:" + (sh + 3) + " -s sh -b sh-fallback,sh-port"),
        saved.toString());
    assertTrue(
        saved.contains("-A -t 203.0.113.10:" + (mh + 2) + " -s mh -b mh-port"), saved.toString());
  }

  private static Set<SchedulerFlag> flags(int bits) {
    return IntStream.range(0, 3)
        .filter(bit -> (bits & 1 << bit) != 0)
        .mapToObj(bit -> SchedulerFlag.values()[bit])
        .collect(Collectors.toSet());
  }

  @Test
  void tunnelsOfEachTypeComeBackAndIpvsadmShowsThem() throws IOException {
    var servers =
        List.of(
            tunnel("10.0.0.21", 443, Tunnel.IPIP),
            tunnel("10.0.0.22", 443, new Tunnel(TunnelType.GRE, 0, TunnelChecksum.NONE)),
            tunnel("10.0.0.23", 443, new Tunnel(TunnelType.GRE, 0, TunnelChecksum.FULL)),
            tunnel("10.0.0.24", 443, new Tunnel(TunnelType.GUE, 6080, TunnelChecksum.NONE)),
            tunnel("10.0.0.25", 443, new Tunnel(TunnelType.GUE, 1, TunnelChecksum.FULL)),
            tunnel("10.0.0.26", 443, new Tunnel(TunnelType.GUE, 65_535, TunnelChecksum.REMOTE)),
            // Only in a tunnel may a server be of the other family.
            tunnel("2001:db8:1::21", 443, Tunnel.IPIP));
    assertDone(put(service(HTTPS, "wlc").with(servers)));
    assertEquals(servers, ipvs.services().getFirst().destinations());
    assertEquals(
        lines(
            """
            -A -t 203.0.113.10:443 -s wlc
            -a -t 203.0.113.10:443 -r 10.0.0.21:443 -i -w 1 --tun-type ipip
            -a -t 203.0.113.10:443 -r 10.0.0.22:443 -i -w 1 --tun-type gre --tun-nocsum
            -a -t 203.0.113.10:443 -r 10.0.0.23:443 -i -w 1 --tun-type gre --tun-csum
            -a -t 203.0.113.10:443 -r 10.0.0.24:443 -i -w 1 --tun-type gue --tun-port 6080\
             --tun-nocsum
            -a -t 203.0.113.10:443 -r 10.0.0.25:443 -i -w 1 --tun-type gue --tun-port 1 --tun-csum
            -a -t 203.0.113.10:443 -r 10.0.0.26:443 -i -w 1 --tun-type gue --tun-port 65535\
             --tun-remcsum
            -a -t 203.0.113.10:443 -r [2001:db8:1::21]:443 -i -w 1 --tun-type ipip
            """),
        lines(ipvsadm("-Sn")));
  }

  @Test
  void puttingAgainChangesInPlace() throws IOException {
    assertDone(put(service(HTTPS, "wlc").with(List.of(server("10.0.0.21", 443, 1), server(22)))));
    // Its destinations are not looked at.
    assertDone(List.of(new PutService(service(HTTPS, "rr", 60, 24))));
    assertDone(
        List.of(
            new PutDestination(HTTPS, direct("10.0.0.21", 443)),
            new PutDestination(HTTPS, server("10.0.0.22", 443, 9))));
    assertEquals(
        List.of(
            service(HTTPS, "rr", 60, 24)
                .with(List.of(direct("10.0.0.21", 443), server("10.0.0.22", 443, 9)))),
        ipvs.services());
    assertDone(List.of(new PutService(service(HTTPS, "wlc"))));
    assertEquals(service(HTTPS, "wlc"), ipvs.services().getFirst().with(List.of()));
  }

  @Test
  void changesAreMadeInTheirOrder() throws IOException {
    assertDone(put(service(HTTPS, "wlc").with(List.of(server(21)))));
    assertDone(
        List.of(
            new PutService(service(HTTPS, "rr")),
            new DeleteService(HTTPS),
            new PutService(service(HTTPS, "lc")),
            new PutDestination(HTTPS, server(22)),
            new PutDestination(HTTPS, server(23)),
            new DeleteDestination(HTTPS, server(22).address(), 443)));
    assertEquals(List.of(service(HTTPS, "lc").with(List.of(server(23)))), ipvs.services());
  }

  @Test
  void deletingWhatIsNotThereSucceeds() throws IOException {
    assertDone(
        List.of(
            new DeleteService(HTTPS),
            new DeleteService(SIX_MARK),
            new DeleteDestination(HTTPS, server(21).address(), 443)));
    assertDone(put(service(HTTPS, "wlc").with(List.of(server(21)))));
    assertDone(
        List.of(
            new DeleteDestination(HTTPS, server(21).address(), 80),
            new DeleteDestination(HTTPS, server(22).address(), 443),
            new DeleteDestination(HTTPS, SIX, 443)));
    assertEquals(1, ipvs.services().getFirst().destinations().size());
    assertDone(
        List.of(new DeleteDestination(HTTPS, server(21).address(), 443), new DeleteService(HTTPS)));
    assertEquals(List.of(), ipvs.services());
  }

  @Test
  void othersServicesAreLeftAlone() throws IOException {
    ipvsadm("-A -t 203.0.113.11:443 -s rr");
    ipvsadm("-a -t 203.0.113.11:443 -r 10.0.0.21:443 -m");
    assertDone(put(service(HTTPS, "wlc").with(List.of(server(21)))));
    assertDone(List.of(new DeleteService(HTTPS)));
    assertEquals(
        lines("-A -t 203.0.113.11:443 -s rr\n-a -t 203.0.113.11:443 -r 10.0.0.21:443 -m -w 1"),
        lines(ipvsadm("-Sn")));
  }

  @Test
  void refusalsSayWhatToDoAndDoNotStopTheRest() throws IOException {
    assertDone(put(service(HTTPS, "wlc")));
    var changes =
        List.<Change>of(
            new PutService(service(DNS, "nosuch")),
            new PutService(service(HTTPS, "nosuch")),
            new PutDestination(DNS, server(21)),
            new PutDestination(HTTPS, server("224.0.0.1", 443, 1)),
            new PutDestination(HTTPS, server("2001:db8:1::21", 443, 1)),
            new PutDestination(HTTPS, server(22)));
    var noScheduler = "ENOENT: no such scheduler: load its module, modprobe ip_vs_nosuch";
    var noServer =
        "EINVAL: not the address of a server, or one of the other family, which needs Tunnel and no"
            + " connection synchronisation";
    assertEquals(
        List.of(
            noScheduler,
            noScheduler,
            "ESRCH: no such virtual service: it was refused, or deleted by another program",
            noServer,
            noServer),
        ipvs.apply(changes).stream().map(failure -> failure.error()).toList());
    assertEquals(List.of(service(HTTPS, "wlc").with(List.of(server(22)))), ipvs.services());
  }

  @Test
  void thousandsArePutReadAndDeleted() throws IOException {
    var wanted = new ArrayList<VirtualService>();
    var changes = new ArrayList<Change>();
    for (int port = 1; port <= 200; port++) {
      var servers =
          IntStream.range(0, 20).mapToObj(i -> server("10.0.1." + (i + 1), 8080, i)).toList();
      wanted.add(service(ServiceKey.of(Protocol.TCP, VIP, port), "wlc").with(servers));
      changes.addAll(put(wanted.getLast()));
    }
    assertDone(changes);
    var services = ipvs.services();
    assertEquals(200, services.size());
    assertEquals(Set.copyOf(wanted), Set.copyOf(services));
    assertEquals(200, ipvs.statistics(_ -> true).size());
    assertDone(services.stream().<Change>map(service -> new DeleteService(service.key())).toList());
    assertEquals(List.of(), ipvs.services());
  }

  @Test
  void aConnectionLivesThroughEditsAndIsCounted() throws IOException {
    lab.control().ip("address add 203.0.113.10/32 dev lo");
    lab.control().ip("address add 10.0.0.21/32 dev lo");
    try (var listener = new ServerSocket(8443, 10, server(21).address())) {
      var server = new Destination(server(21).address(), 8443, 1, Forwarding.MASQUERADE, null);
      assertDone(put(service(HTTPS, "wlc").with(List.of(server, server(22).withWeight(0)))));
      try (var client = new Socket(VIP, 443);
          var accepted = listener.accept()) {
        client.setSoTimeout(1_000);
        assertEchoes(client, accepted);
        assertEquals(1, statistics(server).active());
        assertDone(List.of(new PutDestination(HTTPS, server.withWeight(0))));
        assertDone(List.of(new PutService(service(HTTPS, "rr", 60, 24))));
        assertDone(List.of(new PutDestination(HTTPS, server.withWeight(5))));
        assertEchoes(client, accepted);
        assertEquals(1, statistics(server).active());
        // The kernel adds its counters up every 2 s.
        Await.until(
            "two echoes are counted",
            Duration.ofSeconds(10),
            () -> statistics(server).counters().incomingPackets() >= 4);
        var counted = statistics(server).counters();
        assertEquals(1, counted.connections());
        assertEquals(
            List.of(
                "->",
                "10.0.0.21:8443",
                "" + counted.connections(),
                "" + counted.incomingPackets(),
                "" + counted.outgoingPackets(),
                "" + counted.incomingBytes(),
                "" + counted.outgoingBytes()),
            List.of(
                lines(ipvsadm("-Ln --stats --exact")).stream()
                    .filter(line -> line.contains("10.0.0.21:8443"))
                    .findFirst()
                    .orElseThrow()
                    .split(" +")));
        assertDone(List.of(new PutDestination(HTTPS, server.withWeight(6))));
        assertTrue(statistics(server).counters().incomingPackets() >= counted.incomingPackets());

        assertDone(List.of(new DeleteDestination(HTTPS, server.address(), 8443)));
        client.getOutputStream().write(1);
        accepted.setSoTimeout(1_000);
        assertThrows(SocketTimeoutException.class, () -> accepted.getInputStream().read());
        assertDone(List.of(new PutDestination(HTTPS, server)));
        accepted.setSoTimeout(60_000);
        assertEquals(
            1, accepted.getInputStream().read(), "put again, it has its connections again");
      }
    }
  }

  private static void assertEchoes(Socket client, Socket server) throws IOException {
    client.getOutputStream().write(42);
    assertEquals(42, server.getInputStream().read());
    server.getOutputStream().write(43);
    assertEquals(43, client.getInputStream().read());
  }

  private DestinationStatistics statistics(Destination of) {
    try {
      return ipvs.statistics(_ -> true).getFirst().destinations().stream()
          .filter(found -> found.address().equals(of.address()) && found.port() == of.port())
          .findFirst()
          .orElseThrow();
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  @Test
  void syncDaemonsStartAndStop() throws IOException {
    lab.host("peer").plug("eth0", lab.wire("sync").address("10.0.0.1/24"), "10.0.0.2/24");
    var nic = lab.wire("sync").bridge();
    var master = new SyncDaemon(SyncRole.MASTER, nic, 51);
    var backup = new SyncDaemon(SyncRole.BACKUP, nic, 0);
    assertEquals(Set.of(), ipvs.syncDaemons());
    ipvs.stop(SyncRole.MASTER);
    ipvs.start(master);
    ipvs.start(master);
    ipvs.start(backup);
    assertEquals(Set.of(master, backup), ipvs.syncDaemons());
    var shown = ipvsadm("-l --daemon");
    assertTrue(shown.contains("master sync daemon (mcast=" + nic + ", syncid=51"), shown);
    assertTrue(shown.contains("backup sync daemon (mcast=" + nic + ", syncid=0"), shown);
    var other = new SyncDaemon(SyncRole.MASTER, nic, 52);
    assertEquals(
        other
            + " not started: EEXIST: another one of this role runs: stop it, ipvsadm"
            + " --stop-daemon master",
        assertThrows(IOException.class, () -> ipvs.start(other)).getMessage());
    ipvs.stop(SyncRole.MASTER);
    assertEquals(Set.of(backup), ipvs.syncDaemons());
    ipvsadm("--stop-daemon backup");
    assertEquals(Set.of(), ipvs.syncDaemons());
    ipvsadm("--start-daemon backup --mcast-interface " + nic + " --syncid 255");
    assertEquals(Set.of(new SyncDaemon(SyncRole.BACKUP, nic, 255)), ipvs.syncDaemons());
    var nowhere = new SyncDaemon(SyncRole.MASTER, "nosuch", 1);
    assertEquals(
        nowhere + " not started: ENODEV: no such interface",
        assertThrows(IOException.class, () -> ipvs.start(nowhere)).getMessage());
  }

  @Test
  void timeoutsAreSetAndThoseOfZeroStay() throws IOException {
    ipvs.setTimeouts(new ConnectionTimeouts(900, 120, 300));
    assertEquals(new ConnectionTimeouts(900, 120, 300), ipvs.timeouts());
    ipvs.setTimeouts(new ConnectionTimeouts(0, 30, 0));
    assertEquals(new ConnectionTimeouts(900, 30, 300), ipvs.timeouts());
    assertEquals("Timeout (tcp tcpfin udp): 900 30 300", ipvsadm("-l --timeout").strip());
    ipvsadm("--set 800 40 200");
    assertEquals(new ConnectionTimeouts(800, 40, 200), ipvs.timeouts());
    var tooLong = new ConnectionTimeouts(Integer.MAX_VALUE, 0, 0);
    assertEquals(
        tooLong + " not set: EINVAL: the kernel takes no such value",
        assertThrows(IOException.class, () -> ipvs.setTimeouts(tooLong)).getMessage());
  }

  private static VirtualService service(ServiceKey key, String scheduler) {
    return service(key, scheduler, 0, 0);
  }

  private static VirtualService service(ServiceKey key, String scheduler, int seconds, int prefix) {
    return service(key, scheduler, seconds, prefix, false);
  }

  private static VirtualService service(
      ServiceKey key, String scheduler, int seconds, int prefix, boolean onePacket) {
    return new VirtualService(key, scheduler, Set.of(), onePacket, seconds, prefix, List.of());
  }

  private static Destination server(int number) {
    return server(number, 1);
  }

  private static Destination server(int number, int weight) {
    return server("10.0.0." + number, 443, weight);
  }

  private static Destination server(String address, int port, int weight) {
    return new Destination(
        IpPrefix.parseAddress(address), port, weight, Forwarding.MASQUERADE, null);
  }

  private static Destination direct(String address, int port) {
    return new Destination(IpPrefix.parseAddress(address), port, 1, Forwarding.DIRECT_ROUTE, null);
  }

  private static Destination tunnel(String address, int port, Tunnel tunnel) {
    return new Destination(IpPrefix.parseAddress(address), port, 1, Forwarding.TUNNEL, tunnel);
  }

  private static List<Change> put(VirtualService service) {
    var changes = new ArrayList<Change>(List.of(new PutService(service)));
    service.destinations().forEach(d -> changes.add(new PutDestination(service.key(), d)));
    return changes;
  }

  private void assertDone(List<? extends Change> changes) throws IOException {
    assertEquals(List.of(), ipvs.apply(List.copyOf(changes)));
  }

  private static Set<String> lines(String text) {
    return text.lines().map(String::strip).collect(Collectors.toSet());
  }

  private String ipvsadm(String arguments) {
    return lab.control().sh("ipvsadm " + arguments);
  }
}
