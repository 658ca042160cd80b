package dev.virtualip.agent.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.net.IpvsPort.Change;
import dev.virtualip.agent.net.IpvsPort.ConnectionTimeouts;
import dev.virtualip.agent.net.IpvsPort.Destination;
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
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import java.util.Set;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Expected bytes are derived by hand from linux/genetlink.h and linux/ip_vs.h, for a little-endian
 * machine on which IPVS has the number 0x23.
 */
class IpvsRequestsTest {
  private static final ServiceKey HTTPS =
      ServiceKey.of(Protocol.TCP, IpPrefix.parseAddress("203.0.113.10"), 443);
  private static final ServiceKey SIX =
      ServiceKey.of(Protocol.UDP, IpPrefix.parseAddress("2001:db8::10"), 53);

  /** AF_INET, TCP, address, port 443. */
  private static final String HTTPS_BYTES =
      "0600 0100 0200 0000 0600 0200 0600 0000 0800 0300 cb00710a 0600 0400 01bb 0000";

  /** AF_INET6, UDP, address, port 53. */
  private static final String SIX_BYTES =
      "0600 0100 0a00 0000 0600 0200 1100 0000"
          + "1400 0300 20010db8000000000000000000000010 0600 0400 0035 0000";

  @Test
  void allFamiliesAreAskedForSinceASingleOneWouldBeLoaded() {
    assertWritten(
        // length 20, nlctrl, REQUEST|DUMP; CTRL_CMD_GETFAMILY, version 1
        "14000000 1000 0103 4d000000 00000000 03 01 0000", out -> out.dumpFamilies(77));
  }

  @Test
  void aServiceIsChangedIfItExistsAndElseAdded() {
    var service = service(HTTPS, "wlc", Set.of(), false, 0, 0);
    var attributes =
        ("4800 0100" + HTTPS_BYTES)
            // IPVS_SVC_ATTR_SCHED_NAME
            + "0800 0600 776c6300"
            // no flags, all flags in the mask; no timeout; 255.255.255.255
            + "0c00 0700 00000000 ffffffff 0800 0800 00000000 0800 0900 ffffffff";
    assertWritten(
        "5c000000 2300 0500 4d000000 00000000 02 01 0000" + attributes,
        out -> out.change(77, new Change.PutService(service), false));
    assertWritten(
        "5c000000 2300 0500 4d000000 00000000 01 01 0000" + attributes,
        out -> out.change(77, new Change.PutService(service), true));
  }

  @Test
  void persistenceHasAMaskInIpv4AndALengthInIpv6() {
    // IP_VS_SVC_F_PERSISTENT; 360 s; 255.255.240.0
    assertTrue(
        put(service(HTTPS, "wlc", Set.of(), false, 360, 20))
            .endsWith(hex("0c00 0700 01000000 ffffffff 0800 0800 68010000 0800 0900 fffff000")));
    assertTrue(
        put(service(HTTPS, "wlc", Set.of(), false, 1, 1)).endsWith(hex("0800 0900 80000000")));
    // 56
    assertTrue(
        put(service(SIX, "wlc", Set.of(), false, 60, 56))
            .endsWith(hex("0800 0800 3c000000 0800 0900 38000000")));
    // Without persistence: 128, since the kernel takes no 0.
    assertTrue(put(service(SIX, "wlc", Set.of(), false, 0, 0)).endsWith(hex("0900 80000000")));
  }

  @Test
  void flagsOfSchedulersAndOnePacket() {
    assertTrue(
        put(service(SIX, "mh", Set.of(SchedulerFlag.FALLBACK), true, 0, 0))
            .contains(hex("0700 0600 6d6800 00 0c00 0700 0c000000 ffffffff")));
    assertTrue(
        put(service(SIX, "sh", Set.of(SchedulerFlag.PORT), false, 0, 0))
            .contains(hex("0700 0600 736800 00 0c00 0700 10000000 ffffffff")));
    assertTrue(
        put(service(SIX, "sh", Set.of(SchedulerFlag.values()), true, 1, 128))
            .contains(hex("0c00 0700 3d000000 ffffffff")));
  }

  @Test
  void aFirewallMarkStandsForAddressAndPort() {
    assertWritten(
        "28000000 2300 0500 01000000 00000000 03 01 0000"
            // AF_INET6, IPVS_SVC_ATTR_FWMARK
            + "1400 0100 0600 0100 0a00 0000 0800 0500 ffffffff",
        out -> out.change(1, new Change.DeleteService(ServiceKey.ofMark(true, 4294967295L)), true));
  }

  @Test
  void aServiceIsDeletedByItsKey() {
    assertWritten(
        "44000000 2300 0500 01000000 00000000 03 01 0000 3000 0100" + SIX_BYTES,
        out -> out.change(1, new Change.DeleteService(SIX), true));
    var sctp = ServiceKey.of(Protocol.SCTP, IpPrefix.parseAddress("203.0.113.10"), 65_535);
    assertTrue(
        write(out -> out.change(1, new Change.DeleteService(sctp), true))
            .endsWith(hex("0600 0200 8400 0000 0800 0300 cb00710a 0600 0400 ffff 0000")));
  }

  @Test
  void aDestinationIsChangedIfItExistsAndElseAdded() {
    var server =
        new Destination(IpPrefix.parseAddress("10.0.0.21"), 8443, 3, Forwarding.MASQUERADE, null);
    var attributes =
        ("2400 0100" + HTTPS_BYTES)
            // AF_INET, address, port 8443
            + "3c00 0200 0600 0b00 0200 0000 0800 0100 0a000015 0600 0200 20fb 0000"
            // masquerading, weight 3, no bounds
            + "0800 0300 00000000 0800 0400 03000000 0800 0500 00000000 0800 0600 00000000";
    assertWritten(
        "74000000 2300 0500 01000000 00000000 06 01 0000" + attributes,
        out -> out.change(1, new Change.PutDestination(HTTPS, server), false));
    assertWritten(
        "74000000 2300 0500 01000000 00000000 05 01 0000" + attributes,
        out -> out.change(1, new Change.PutDestination(HTTPS, server), true));
    var direct =
        new Destination(
            IpPrefix.parseAddress("10.0.0.21"), 443, 65_535, Forwarding.DIRECT_ROUTE, null);
    assertTrue(
        write(out -> out.change(1, new Change.PutDestination(HTTPS, direct), true))
            .contains(hex("0800 0300 03000000 0800 0400 ffff0000")));
  }

  @Test
  void aTunnelHasItsTypePortAndChecksum() {
    assertTunnel("00 000000 0600 0e00 0000 0000 0600 0f00 0000 0000", Tunnel.IPIP);
    assertTunnel(
        "02 000000 0600 0e00 0000 0000 0600 0f00 0100 0000",
        new Tunnel(TunnelType.GRE, 0, TunnelChecksum.FULL));
    assertTunnel(
        "01 000000 0600 0e00 17c0 0000 0600 0f00 0200 0000",
        new Tunnel(TunnelType.GUE, 6080, TunnelChecksum.REMOTE));
  }

  private static void assertTunnel(String bytes, Tunnel tunnel) {
    var ip = IpPrefix.parseAddress("2001:db8::21");
    var server = new Destination(ip, 443, 1, Forwarding.TUNNEL, tunnel);
    var written = write(out -> out.change(1, new Change.PutDestination(HTTPS, server), true));
    // AF_INET6 in a service of AF_INET, tunnelling
    assertTrue(written.contains(hex("0600 0b00 0a00 0000 1400 0100 20010db8")), written);
    assertTrue(written.contains(hex("0800 0300 02000000")), written);
    assertTrue(written.endsWith(hex("0500 0d00" + bytes)), written);
  }

  @Test
  void aDestinationIsDeletedByAddressAndPort() {
    var ip = IpPrefix.parseAddress("10.0.0.21");
    assertWritten(
        "54000000 2300 0500 01000000 00000000 07 01 0000"
            + ("2400 0100" + HTTPS_BYTES)
            + "1c00 0200 0600 0b00 0200 0000 0800 0100 0a000015 0600 0200 01bb 0000",
        out -> out.change(1, new Change.DeleteDestination(HTTPS, ip, 443), true));
  }

  @Test
  void dumpsAskForWhatWeRead() {
    assertWritten("14000000 2300 0103 05000000 00000000 04 01 0000", out -> out.dumpServices(5));
    assertWritten(
        "38000000 2300 0103 05000000 00000000 08 01 0000 2400 0100" + HTTPS_BYTES,
        out -> out.dumpDestinations(5, HTTPS));
    assertWritten("14000000 2300 0103 05000000 00000000 0b 01 0000", out -> out.dumpDaemons(5));
    assertWritten("14000000 2300 0500 05000000 00000000 0d 01 0000", out -> out.timeouts(5));
  }

  @Test
  void aTimeoutOfZeroIsNotSent() {
    assertWritten(
        "2c000000 2300 0500 01000000 00000000 0c 01 0000"
            + "0800 0400 84030000 0800 0500 78000000 0800 0600 2c010000",
        out -> out.setTimeouts(1, new ConnectionTimeouts(900, 120, 300)));
    assertWritten(
        "1c000000 2300 0500 01000000 00000000 0c 01 0000 0800 0600 01000000",
        out -> out.setTimeouts(1, new ConnectionTimeouts(0, 0, 1)));
  }

  @Test
  void aDaemonIsStartedOnAnInterfaceAndStoppedByItsRole() {
    assertWritten(
        "34000000 2300 0500 01000000 00000000 09 01 0000"
            // IP_VS_STATE_MASTER, eth0, 51
            + "2000 0300 0800 0100 01000000 0900 0200 6574683000 000000 0800 0300 33000000",
        out -> out.start(1, new SyncDaemon(SyncRole.MASTER, "eth0", 51)));
    assertWritten(
        "20000000 2300 0500 01000000 00000000 0a 01 0000 0c00 0300 0800 0100 02000000",
        out -> out.stop(1, SyncRole.BACKUP));
  }

  @Test
  void theLongestChangeFitsTheRoomItIsGiven() {
    var ip = InetAddress.ofLiteral("2001:db8::1");
    var tunnel = new Tunnel(TunnelType.GUE, 1, TunnelChecksum.FULL);
    var server = new Destination(ip, 1, 1, Forwarding.TUNNEL, tunnel);
    var written = write(out -> out.change(1, new Change.PutDestination(SIX, server), true));
    assertEquals(IpvsRequests.CHANGE_BYTES_MAX, written.length() / 2);
    var service = service(SIX, "abcdefghijklmno", Set.of(), true, 1, 128);
    assertTrue(put(service).length() / 2 < IpvsRequests.CHANGE_BYTES_MAX);
  }

  private static VirtualService service(
      ServiceKey key,
      String scheduler,
      Set<SchedulerFlag> flags,
      boolean onePacket,
      long seconds,
      int prefix) {
    return new VirtualService(key, scheduler, flags, onePacket, seconds, prefix, List.of());
  }

  private static String put(VirtualService service) {
    return write(out -> out.change(1, new Change.PutService(service), true));
  }

  private static void assertWritten(String expected, Consumer<IpvsRequests> writer) {
    assertEquals(hex(expected), write(writer));
  }

  private static String hex(String text) {
    return text.replace(" ", "");
  }

  private static String write(Consumer<IpvsRequests> writer) {
    var out = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
    writer.accept(new IpvsRequests(out, 0x23));
    assertEquals(out.position(), out.getInt(0));
    return HexFormat.of().formatHex(out.array(), 0, out.position());
  }
}
