package dev.virtualip.agent.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.linux.NetlinkMessage.Body;
import dev.virtualip.agent.net.IpvsPort.ConnectionTimeouts;
import dev.virtualip.agent.net.IpvsPort.Counters;
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
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import java.util.Set;
import org.junit.jupiter.api.Test;

/**
 * The messages are what Linux 6.1 on x86-64 sent, but for the list of operations in that of the
 * family.
 */
class IpvsMessageTest {
  private static final String FAMILY =
      "40000000 1000 0200 4d000000 3c0d0000 01020000"
          + "0900020049505653 00000000 06000100 23000000 0800030001000000 0800040000000000"
          + "0800050006000000";

  /** Two connections, 9 and 8 packets, 500 and 1378 bytes. */
  private static final String COUNTED =
      "5c000a0008000100020000000800020009000000080003000800000"
          + "00c000400f4010000000000000c000500"
          + "6205000000000000080006000000000008000700000000000800080000000000080009000f000000"
          + "08000a0029000000"
          + "7c000c000c00010002000000000000000c00020009000000000000000c0003000800000000000000"
          + "0c000400f4010000000000000c00050062050000000000000c00060000000000000000000c000700"
          + "00000000000000000c00080000000000000000000c0009000f000000000000000c000a0029000000"
          + "00000000";

  private static final String UNCOUNTED =
      "5c000a000800010000000000080002000000000008000300000000000c00040000000000000000000c000500"
          + "0000000000000000080006000000000008000700000000000800080000000000080009000000000008"
          + "000a0000000000"
          + "7c000c000c00010000000000000000000c00020000000000000000000c00030000000000000000000c"
          + "00040000000000000000000c00050000000000000000000c00060000000000000000000c0007000000"
          + "0000000000000c00080000000000000000000c00090000000000000000000c000a0000000000000000"
          + "00";

  private static final String SERVICE =
      "40010000 2300 0200 4d000000 270d0000 01010000 2c010100 0600010002000000 0600020006000000"
          + "14000300cb00710a000000000000000000000000 0600040001bb0000 070006006d680000"
          + "0c00070013000000ffffffff 0800080068010000 08000900ffffff00"
          + COUNTED;
  private static final String IPV6_SERVICE =
      "40010000 2300 0200 4d000000 270d0000 01010000 2c010100 060001000a000000 0600020011000000"
          + "1400030020010db8000000000000000000000010 0600040000350000 0700060073680000"
          + "0c0007000e000000ffffffff 0800080000000000 0800090080000000"
          + UNCOUNTED;
  private static final String MARKED_SERVICE =
      "24010000 2300 0200 4d000000 270d0000 01010000 10010100 060001000a000000 0800050007000000"
          + "0700060072720000 0c00070003000000ffffffff 080008003c000000 0800090038000000"
          + UNCOUNTED;
  private static final String SERVER =
      "64010000 2300 0200 4d000000 270d0000 05010000 50010200"
          + "140001000a000015000000000000000000000000 0600020020fb0000 0800030000000000"
          + "0800040001000000 05000d0000000000 06000e0000000000 06000f0000000000 0800050000000000"
          + "0800060000000000 0800070001000000 0800080001000000 0800090001000000"
          + "06000b0002000000"
          + COUNTED;
  private static final String GUE_SERVER =
      "64010000 2300 0200 4d000000 270d0000 05010000 50010200"
          + "140001000a000018000000000000000000000000 0600020001bb0000 0800030002000000"
          + "0800040003000000 05000d0001000000 06000e0017c00000 06000f0002000000 0800050000000000"
          + "0800060000000000 0800070000000000 0800080000000000 0800090000000000"
          + "06000b0002000000"
          + UNCOUNTED;
  private static final String IPV6_SERVER =
      "64010000 2300 0200 4d000000 3c0d0000 05010000 50010200"
          + "1400010020010db8000100000000000000000021 0600020001bb0000 0800030002000000"
          + "0800040000000000 05000d0000000000 06000e0000000000 06000f0000000000 0800050000000000"
          + "0800060000000000 0800070000000000 0800080000000000 0800090000000000"
          + "06000b000a000000"
          + UNCOUNTED;
  private static final String DAEMON =
      "50000000 2300 0200 4d000000 270d0000 09010000 3c000300 0800010002000000 0700020076300000"
          + "08000300ff000000 06000400c0050000 0600070090220000 0500080001000000"
          + "08000500e0000051";
  private static final String TIMEOUTS =
      "2c000000 2300 0000 4d000000 270d0000 0c010000 0800040084030000 0800050078000000"
          + "080006002c010000";
  private static final String REFUSED =
      "78000000 0200 0003 4d000000 270d0000 deffffff 1c000000 2300 0500 4d000000 00000000"
          + "270001004174747269627574652066616 96c656420706f6c6963792076616c69646174696f6e0000"
          + "0800020014000000 24000480 0c00040000000000000000000c000500ffffffff00000000"
          + "0800010004000000";
  private static final List<String> OWN =
      List.of(
          FAMILY,
          SERVICE,
          IPV6_SERVICE,
          MARKED_SERVICE,
          SERVER,
          GUE_SERVER,
          IPV6_SERVER,
          DAEMON,
          TIMEOUTS);

  private static final Counters COUNTERS = new Counters(2, 9, 8, 500, 1378);

  @Test
  void aFamilyHasItsNumber() {
    assertEquals(new IpvsMessage.Family(0x23, "IPVS"), body(bytes(FAMILY)));
  }

  @Test
  void aServiceHasAllItsParts() {
    var key = ServiceKey.of(Protocol.TCP, IpPrefix.parseAddress("203.0.113.10"), 443);
    var flags = Set.of(SchedulerFlag.PORT);
    assertEquals(
        new IpvsMessage.Service(
            new VirtualService(key, "mh", flags, false, 360, 24, List.of()), COUNTERS),
        body(bytes(SERVICE)));
  }

  @Test
  void anIpv6ServiceHasAPrefixLength() {
    var key = ServiceKey.of(Protocol.UDP, IpPrefix.parseAddress("2001:db8::10"), 53);
    var flags = Set.of(SchedulerFlag.FALLBACK);
    assertEquals(
        new IpvsMessage.Service(
            new VirtualService(key, "sh", flags, true, 0, 0, List.of()), Counters.ZERO),
        body(bytes(IPV6_SERVICE)));
    var mark = ServiceKey.ofMark(true, 7);
    assertEquals(
        new IpvsMessage.Service(
            new VirtualService(mark, "rr", Set.of(), false, 60, 56, List.of()), Counters.ZERO),
        body(bytes(MARKED_SERVICE)));
  }

  @Test
  void aMarkIsUnsigned() {
    var marked = MARKED_SERVICE.replace("0800050007000000", "08000500ffffffff");
    var service = assertInstanceOf(IpvsMessage.Service.class, body(bytes(marked))).service();
    assertEquals(ServiceKey.ofMark(true, 4_294_967_295L), service.key());
  }

  /** The kernel keeps with it whatever the program has set. */
  @Test
  void withoutPersistenceTheMaskSaysNothing() {
    var service = SERVICE.replace("0c00070013000000", "0c00070012000000");
    var read = assertInstanceOf(IpvsMessage.Service.class, body(bytes(service))).service();
    assertEquals(0, read.persistenceSeconds());
    assertEquals(0, read.persistencePrefix());
  }

  @Test
  void aPersistenceThatWeWouldNotSetIsCutShort() {
    var service = SERVICE.replace("0800080068010000", "08000800ffffffff");
    var read = assertInstanceOf(IpvsMessage.Service.class, body(bytes(service))).service();
    assertEquals(VirtualService.PERSISTENCE_SECONDS_MAX, read.persistenceSeconds());
  }

  @Test
  void aServerHasItsCounters() {
    var ip = IpPrefix.parseAddress("10.0.0.21");
    assertEquals(
        new IpvsMessage.Server(
            new Destination(ip, 8443, 1, Forwarding.MASQUERADE, null),
            new DestinationStatistics(ip, 8443, 1, 1, 1, COUNTERS)),
        body(bytes(SERVER)));
  }

  @Test
  void aServerHasItsTunnel() {
    var gue = new Tunnel(TunnelType.GUE, 6080, TunnelChecksum.REMOTE);
    assertServer(new Destination(ip("10.0.0.24"), 443, 3, Forwarding.TUNNEL, gue), GUE_SERVER);
    var gre = GUE_SERVER.replace("05000d0001", "05000d0002").replace("06000f0002", "06000f0001");
    assertServer(
        new Destination(
            ip("10.0.0.24"),
            443,
            3,
            Forwarding.TUNNEL,
            new Tunnel(TunnelType.GRE, 6080, TunnelChecksum.FULL)),
        gre);
    assertServer(
        new Destination(ip("2001:db8:1::21"), 443, 0, Forwarding.TUNNEL, Tunnel.IPIP), IPV6_SERVER);
    assertServer(
        new Destination(ip("10.0.0.24"), 443, 3, Forwarding.DIRECT_ROUTE, null),
        GUE_SERVER.replace("0800030002", "0800030003"));
  }

  private static void assertServer(Destination expected, String message) {
    var server = assertInstanceOf(IpvsMessage.Server.class, body(bytes(message)));
    assertEquals(expected, server.destination());
  }

  private static InetAddress ip(String text) {
    return IpPrefix.parseAddress(text);
  }

  /** Padding takes the place of the attributes: type 30 is none of them. */
  @Test
  void olderKernelsTellLess() {
    var withoutTypes =
        IPV6_SERVER
            .replace("05000d00", "05001e00")
            .replace("06000e00", "06001e00")
            .replace("06000f00", "06001e00");
    assertServer(
        new Destination(ip("2001:db8:1::21"), 443, 0, Forwarding.TUNNEL, Tunnel.IPIP),
        withoutTypes);
    var withoutLongCounters = SERVER.replace("7c000c00", "7c001e00");
    var server = assertInstanceOf(IpvsMessage.Server.class, body(bytes(withoutLongCounters)));
    assertEquals(Counters.ZERO, server.statistics().counters());
  }

  @Test
  void whatVirtualipDoesNotHaveIsSkipped() {
    for (var other :
        List.of(
            // IPPROTO_AH; forwarding to the node itself, and past IPVS; a new type of tunnel
            SERVICE.replace("0600020006000000", "0600020033000000"),
            SERVER.replace("0800030000000000", "0800030001000000"),
            SERVER.replace("0800030000000000", "0800030004000000"),
            GUE_SERVER.replace("05000d0001", "05000d0003"),
            DAEMON.replace("0800010002000000", "0800010000000000"),
            // IPVS_CMD_SET_INFO, CTRL_CMD_DELFAMILY
            SERVICE.replace("270d0000 01010000", "270d0000 0e010000"),
            FAMILY.replace("3c0d0000 01", "3c0d0000 02"))) {
      assertEquals(new Body.Skipped(), body(bytes(other)), other);
    }
    assertServer(
        new Destination(ip("10.0.0.24"), 443, 3, Forwarding.MASQUERADE, null),
        GUE_SERVER.replace("05000d0001", "05000d0003").replace("0800030002", "0800030000"));
  }

  @Test
  void aDaemonHasItsRoleInterfaceAndId() {
    assertEquals(
        new IpvsMessage.Daemon(new SyncDaemon(SyncRole.BACKUP, "v0", 255)), body(bytes(DAEMON)));
    assertEquals(
        new IpvsMessage.Daemon(new SyncDaemon(SyncRole.MASTER, "v0", 255)),
        body(bytes(DAEMON.replace("0800010002", "0800010001"))));
  }

  @Test
  void timeoutsAreInSeconds() {
    assertEquals(
        new IpvsMessage.Timeouts(new ConnectionTimeouts(900, 120, 300)), body(bytes(TIMEOUTS)));
  }

  @Test
  void anErrorHasTheKernelsWords() {
    assertEquals(
        new Body.Acknowledged(34, "Attribute failed policy validation"), body(bytes(REFUSED)));
  }

  /** Numbers of generic netlink are those of other messages in rtnetlink. */
  @Test
  void aMessageIsReadAsItsSocketHasIt() {
    var messages = NetlinkMessage.parse(buffer(bytes(SERVICE)), NetlinkProtocol.ROUTE);
    assertEquals(new Body.Skipped(), messages.getFirst().body());
    assertInstanceOf(IpvsMessage.Service.class, body(bytes(SERVICE.replace("2300", "1400"))));
  }

  @Test
  void whatIsMissingIsRejected() {
    for (var attribute :
        List.of(
            "0600010002",
            "14000300cb",
            "0600040001",
            "070006006d",
            "08000800",
            "0c000700",
            "08000900")) {
      assertRejected(
          SERVICE.replaceFirst(
              attribute, attribute.substring(0, 4) + "1e00" + attribute.substring(8)));
    }
    for (var attribute : List.of("14000100", "06000200", "08000300", "08000400", "06000b00")) {
      assertRejected(SERVER.replaceFirst(attribute, attribute.substring(0, 4) + "1e00"));
    }
    assertRejected(SERVICE.replace("2c010100", "2c011e00"));
    assertRejected(FAMILY.replace("06000100", "06001e00"));
    assertRejected(DAEMON.replace("07000200", "07001e00"));
  }

  @Test
  void valuesThatCannotBeAreRejected() {
    // an unknown family, a mark of 0, a weight below 0, prefix 129, no port of GUE, sync id 256
    assertRejected(SERVICE.replace("0600010002", "0600010003"));
    assertRejected(MARKED_SERVICE.replace("0800050007", "0800050000"));
    assertRejected(SERVER.replace("0800040001000000", "08000400ffffffff"));
    assertRejected(MARKED_SERVICE.replace("0800090038", "0800090081"));
    assertRejected(GUE_SERVER.replace("06000e0017c0", "06000e000000"));
    assertRejected(DAEMON.replace("08000300ff00", "080003000001"));
    assertRejected(SERVICE.replace("070006006d68", "070006000000"));
    assertRejected(TIMEOUTS.replace("0800040084030000", "0800040084030080"));
  }

  @Test
  void anAttributeLongerThanItsMessageIsRejected() {
    assertRejected(SERVICE.replace("2c010100", "2d010100"));
    assertRejected(SERVICE.replace("2c010100", "03000100"));
    assertRejected(SERVICE.replace("14000300cb", "14010300cb"));
    assertRejected(SERVICE.replace("7c000c00", "7d000c00"));
    assertRejected(SERVICE.replace("0600040001bb", "0500040001bb"));
    assertRejected(SERVER.replace("14000100", "07000100"));
  }

  @Test
  void aMessageCutShortIsNoSurprise() {
    for (var message : OWN) {
      var whole = bytes(message);
      for (int length = 16; length < whole.length; length++) {
        var cut = Arrays.copyOf(whole, length);
        assertInstanceOf(Body.Rejected.class, body(cut));
        buffer(cut).putInt(0, length);
        assertEquals(1, parse(cut).size());
      }
    }
  }

  @Test
  void damagedMessagesAreNoSurprise() {
    var random = new Random(114);
    long understood = 0;
    for (int round = 0; round < 100_000; round++) {
      var bytes = bytes(OWN.get(random.nextInt(OWN.size())));
      for (int damage = random.nextInt(4); damage >= 0; damage--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      understood +=
          parse(bytes).stream().filter(message -> message.body() instanceof IpvsMessage).count();
    }
    assertTrue(understood > 10_000, "few got through: the test says little");
  }

  private static void assertRejected(String hex) {
    assertTrue(OWN.stream().noneMatch(hex::equals), "nothing was replaced");
    assertInstanceOf(Body.Rejected.class, body(bytes(hex)), hex);
  }

  private static Body body(byte[] bytes) {
    var messages = parse(bytes);
    assertEquals(1, messages.size());
    return messages.getFirst().body();
  }

  private static List<NetlinkMessage> parse(byte[] bytes) {
    return NetlinkMessage.parse(buffer(bytes), NetlinkProtocol.GENERIC);
  }

  private static ByteBuffer buffer(byte[] bytes) {
    return ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN);
  }

  private static byte[] bytes(String hex) {
    return HexFormat.of().parseHex(hex.replace(" ", ""));
  }
}
