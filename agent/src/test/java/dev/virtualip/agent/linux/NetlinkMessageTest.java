package dev.virtualip.agent.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.linux.NetlinkMessage.Body;
import dev.virtualip.agent.net.AddressPort.BoundAddress;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.Link;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** The messages are what Linux 6.18 on x86-64 sent, but for the links, which are shortened. */
class NetlinkMessageTest {
  private static final String LINK =
      "40000000 1000 0000 00000000 00000000 0000 0100 03000000 43100100 00000000"
          + "0900 0300 6574683100 000000 0800 0400 dc050000 0a00 0100 020000000001 0000";
  private static final String LEASED_ADDRESS =
      "58000000140000004e0000007cc60aa9021800000300000008000100cb00710a08000200cb00710a"
          + "09000300657468310000000005000b007000000008000800000000001400060003000000"
          + "03000000a45c0200a45c0200";
  private static final String PEER_ADDRESS =
      "5000000014000000cbcf026b2f0000000220800003000000080001000a000002080002000a000001"
          + "090003006574683100000000080008008000000014000600ffffffffffffffff43570200"
          + "43570200";
  private static final String IPV6_ADDRESS_GONE =
      "500000001500000000000000000000000a40c0fd0300000014000100fe80000000000000"
          + "000000fffe00000114000600ffffffffffffffff425702004257020008000800c0000000"
          + "05000b0003000000";
  private static final String ROUTE =
      "4400000018000006d9cf026b3000000002000000fc7000010000000008000f00e8030000"
          + "080006000700000008000700cb00710a08000500cb0071010800040003000000";
  private static final String FOREIGN_ROUTE_REPLACES =
      "3c00000018000001d9cf026b3200000002080000fe6300010400000008000f00fe000000"
          + "080001000a00000008000500c00002010800040003000000";
  private static final String RULE_GONE =
      "4400000021000000d139056b4c2b000002002000640000010000000008000f00640000000800"
          + "0e00ffffffff050015007000000008000600e803000008000200cb00710a";
  private static final String IPV6_RULE =
      "640000002000020005000000e02dade80a308000fc0000010000000008000f00a08601000800"
          + "0e00ffffffff050015007000000008000600fd7f00001400010020010db8000200000000"
          + "0000000000001400020020010db8000000000000000000000010";
  private static final String REFUSED =
      "44000000020000034d0000009f3ad9f19bffffff2c000000180005054d00000000000000"
          + "200001004e657874686f702068617320696e76616c6964206761746577617900";
  private static final String ACKNOWLEDGED =
      "24000000020000014e0000009f3ad9f10000000020000000140005054e00000000000000";
  private static final String DONE = "14000000030002004f0000009f3ad9f100000000";
  private static final List<String> ALL =
      List.of(
          LINK,
          LEASED_ADDRESS,
          PEER_ADDRESS,
          IPV6_ADDRESS_GONE,
          ROUTE,
          FOREIGN_ROUTE_REPLACES,
          RULE_GONE,
          IPV6_RULE,
          REFUSED,
          ACKNOWLEDGED,
          DONE);

  @Test
  void aLinkIsUpOnlyWithCarrier() {
    var mac = new Link.HardwareAddress(HexFormat.of().parseHex("020000000001"));
    assertEquals(
        new Body.LinkState(false, new Link(3, "eth1", true, mac, 1500)), body(bytes(LINK)));
    var withoutCarrier = LINK.replace("43100100", "03100100");
    assertEquals(
        new Body.LinkState(false, new Link(3, "eth1", false, mac, 1500)),
        body(bytes(withoutCarrier)));
    var down = LINK.replace("43100100", "42100100");
    assertEquals(
        new Body.LinkState(false, new Link(3, "eth1", false, mac, 1500)), body(bytes(down)));
  }

  @Test
  void aLinkHasItsAltNames() {
    var properties =
        "2400 3480 0b00 3500 656e70377330 00 00 1300 3500 656e783032303030303030303031 00 00";
    var link =
        LINK.replace("40000000", "64000000")
            .replace("020000000001 0000", "020000000001 0000" + properties);
    var state = assertInstanceOf(Body.LinkState.class, body(bytes(link)));
    assertEquals(List.of("enp7s0", "enx02000000001"), state.link().altNames());
  }

  @Test
  void aMacvlanWithOurMarkIsAVirtualMacs() {
    // IFLA_LINK 2, IFLA_GROUP 112, IFLA_LINKINFO: IFLA_INFO_KIND
    var macvlan =
        LINK.replace("40000000", "60000000")
            + "0800 0500 02000000 0800 1b00 70000000 1000 1200 0c00 0100 6d6163766c616e00";
    assertEquals(new Link.Virtual(2, 112, true), virtual(macvlan));
    assertEquals(new Link.Virtual(2, 112, false), virtual(macvlan.replace("43100100", "02100100")));
    assertEquals(null, virtual(macvlan.replace("1b00 70", "1b00 00")), "somebody else's");
    assertEquals(null, virtual(macvlan.replace("6d61", "6970")), "of another kind");
  }

  private static Link.Virtual virtual(String link) {
    return assertInstanceOf(Body.LinkState.class, body(bytes(link))).link().virtual();
  }

  /** A tunnel through IP tells the address of its end. In c3, 80 is IFF_NOARP. */
  @Test
  void aTunnelHasNoHardwareAddress() {
    var four =
        LINK.replace("40000000", "3c000000")
            .replace("0a00 0100 020000000001 0000", "0800 0100 0a000001");
    assertEquals(4, mac(four).bytes().length);
    assertEquals(0, mac(four.replace("43100100", "c3100100")).bytes().length);
    assertTrue(mac(LINK.replace("43100100", "c3100100")).isEthernet());
  }

  private static Link.HardwareAddress mac(String link) {
    return assertInstanceOf(Body.LinkState.class, body(bytes(link))).link().mac();
  }

  @Test
  void aPortThatLeavesItsBridgeIsNoLinkThatIsGone() {
    var left =
        LINK.replace("1000 0000 0000", "1100 0000 0000").replace("0000 0100 03", "0700 0100 03");
    assertEquals(new Body.Skipped(), body(bytes(left)));
  }

  @Test
  void anAddressHasItsLeaseAndMark() {
    assertEquals(
        new Body.AddressState(
            false, new BoundAddress(3, IpPrefix.parse("203.0.113.10/24"), 3, 112)),
        body(bytes(LEASED_ADDRESS)));
  }

  @Test
  void anAddressInItsLastSecondIsNotForEver() {
    var ending = LEASED_ADDRESS.replace("0300000003000000", "0000000000000000");
    var state = assertInstanceOf(Body.AddressState.class, body(bytes(ending)));
    assertEquals(1, state.address().leaseSeconds());
  }

  @Test
  void ofAPointToPointAddressOursIsTaken() {
    assertEquals(
        new Body.AddressState(false, new BoundAddress(3, IpPrefix.parse("10.0.0.1/32"), 0, 0)),
        body(bytes(PEER_ADDRESS)));
  }

  @Test
  void ipv6AddressesAreUnderstood() {
    var prefix = new IpPrefix(InetAddress.ofLiteral("fe80::ff:fe00:1"), 64);
    assertEquals(
        new Body.AddressState(true, new BoundAddress(3, prefix, 0, 3, true)),
        body(bytes(IPV6_ADDRESS_GONE)),
        "its flags: permanent, tentative");
  }

  @Test
  void aRouteHasAllItsParts() {
    assertEquals(
        new Body.RouteState(
            false,
            false,
            112,
            new InstalledRoute(
                3,
                IpPrefix.parse("0.0.0.0/0"),
                IpPrefix.parseAddress("203.0.113.1"),
                IpPrefix.parseAddress("203.0.113.10"),
                1000,
                7,
                false)),
        body(bytes(ROUTE)));
  }

  @Test
  void aRouteThatReplacesAnotherSaysSo() {
    assertEquals(
        new Body.RouteState(
            false,
            true,
            99,
            new InstalledRoute(
                3,
                IpPrefix.parse("10.0.0.0/8"),
                IpPrefix.parseAddress("192.0.2.1"),
                null,
                254,
                0,
                true)),
        body(bytes(FOREIGN_ROUTE_REPLACES)));
  }

  @Test
  void aRuleHasAllItsParts() {
    assertEquals(
        new Body.RuleState(
            true, 112, new PolicyRule(IpPrefix.parse("203.0.113.10/32"), null, 100, 1000)),
        body(bytes(RULE_GONE)));
    assertEquals(
        new Body.RuleState(
            false,
            112,
            new PolicyRule(
                IpPrefix.parse("2001:db8::10/128"),
                IpPrefix.parse("2001:db8:2::/48"),
                100_000,
                32_765)),
        body(bytes(IPV6_RULE)));
  }

  /** Else it would pass for the plain rule with the same addresses. */
  @Test
  void aRuleThatAsksOrDoesMoreIsNotOurs() {
    var header = "02 00 20 00 64 00 00 01 00000000";
    var attributes = "08000f0064000000 08000e00ffffffff 08000600e8030000 08000200cb00710a";
    assertInstanceOf(Body.RuleState.class, body(rule(header, attributes)));
    for (var more :
        List.of(
            // iif lo, oif lo, fwmark 1, fwmark 0/0xff, realms 1/2, suppress_ifgroup 1, ipproto tcp
            "070003006c6f0000",
            "070011006c6f0000",
            "08000a0001000000",
            "08001000ff000000",
            "08000b0002000100",
            "08000d0001000000",
            "0500160006000000",
            // sport 1, dport 80
            "0800170001000100",
            "0800180050005000")) {
      assertEquals(new Body.Skipped(), body(rule(header, attributes + more)), more);
    }
    var suppressing = attributes.replace("ffffffff", "00000000");
    assertEquals(new Body.Skipped(), body(rule(header, suppressing)));
    for (var other :
        List.of(
            "02 00 20 10 64 00 00 01 00000000", // tos 0x10
            "02 00 20 00 64 00 00 01 02000000", // not
            "02 00 20 00 64 00 00 08 00000000", // prohibit
            "80 00 20 00 64 00 00 01 00000000")) { // of multicast routing
      assertEquals(new Body.Skipped(), body(rule(other, attributes)), other);
    }
  }

  @Test
  void aRuleForEverythingIsNotOurs() {
    assertEquals(
        new Body.Skipped(),
        body(rule("02 00 00 00 64 00 00 01 00000000", "05001500 70000000 08000600e8030000")));
  }

  private static byte[] rule(String header, String attributes) {
    var bytes = bytes("00000000 2000 0000 00000000 00000000" + header + attributes);
    ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(0, bytes.length);
    return bytes;
  }

  @Test
  void anErrorHasTheKernelsWords() {
    assertEquals(
        new Body.Acknowledged(Errno.ENETUNREACH, "Nexthop has invalid gateway"),
        body(bytes(REFUSED)));
    assertEquals(77, parse(bytes(REFUSED)).getFirst().sequence());
    assertEquals(new Body.Acknowledged(0, ""), body(bytes(ACKNOWLEDGED)));
  }

  @Test
  void anInterruptedDumpSaysSo() {
    assertEquals(List.of(new NetlinkMessage(0x4f, false, new Body.Done(0))), parse(bytes(DONE)));
    assertTrue(parse(bytes(DONE.replace("03000200", "03001200"))).getFirst().interrupted());
  }

  @Test
  void aDatagramMayHoldManyMessages() {
    var bodies = parse(bytes(LEASED_ADDRESS + ROUTE + DONE)).stream().map(NetlinkMessage::body);
    assertEquals(
        List.of(Body.AddressState.class, Body.RouteState.class, Body.Done.class),
        bodies.<Class<?>>map(Body::getClass).toList());
  }

  @Test
  void aMessageLongerThanItsDatagramIsRejected() {
    for (int length : new int[] {0, 15, 89, 0x10000, Integer.MAX_VALUE, -1, Integer.MIN_VALUE}) {
      var bytes = bytes(LEASED_ADDRESS);
      ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN).putInt(0, length);
      assertInstanceOf(Body.Rejected.class, body(bytes), "length " + length);
    }
  }

  @Test
  void anAttributeLongerThanItsMessageIsRejected() {
    assertRejected(LEASED_ADDRESS.replace("08000100cb", "ff000100cb"));
    assertRejected(LEASED_ADDRESS.replace("08000100cb", "03000100cb"));
    assertRejected(LEASED_ADDRESS.replace("08000100cb", "00000100cb"));
  }

  @Test
  void valuesThatCannotBeAreRejected() {
    assertRejected(LEASED_ADDRESS.replace("02180000", "02210000"));
    assertRejected(LEASED_ADDRESS.replace("02180000", "0a180000"));
    assertRejected(LEASED_ADDRESS.replace("14000600", "10000600"));
    assertRejected(LINK.replace("0900 0300", "0900 0200"));
    assertRejected(LINK.replace("0100 03000000", "0100 00000000"));
    assertRejected(DONE.replaceAll("00000000$", "01000000"));
    assertRejected(REFUSED.replace("02000003", "02000002"));
  }

  @Test
  void aMessageCutShortIsNoSurprise() {
    for (var message : ALL) {
      var whole = bytes(message);
      for (int length = 16; length < whole.length; length++) {
        var cut = Arrays.copyOf(whole, length);
        assertInstanceOf(Body.Rejected.class, body(cut));
        ByteBuffer.wrap(cut).order(ByteOrder.LITTLE_ENDIAN).putInt(0, length);
        assertEquals(1, parse(cut).size());
      }
    }
  }

  @Test
  void randomBytesAreNoSurprise() {
    var random = new Random(112);
    var types = new int[] {2, 3, 16, 17, 20, 21, 24, 25, 32, 33};
    long understood = 0;
    for (int round = 0; round < 100_000; round++) {
      var bytes = new byte[random.nextInt(200)];
      random.nextBytes(bytes);
      if (bytes.length >= 16) {
        ByteBuffer.wrap(bytes)
            .order(ByteOrder.LITTLE_ENDIAN)
            .putInt(0, 16 + random.nextInt(bytes.length - 15))
            .putShort(4, (short) types[random.nextInt(types.length)]);
      }
      understood += understood(bytes);
    }
    assertTrue(understood > 0, "all were rejected at once: the test says little");
  }

  @Test
  void damagedMessagesAreNoSurprise() {
    var random = new Random(113);
    long understood = 0;
    for (int round = 0; round < 100_000; round++) {
      var bytes = bytes(ALL.get(random.nextInt(ALL.size())));
      for (int damage = random.nextInt(4); damage >= 0; damage--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt();
      }
      understood += understood(bytes);
    }
    assertTrue(understood > 10_000, "few got through: the test says little");
  }

  private static long understood(byte[] bytes) {
    return parse(bytes).stream()
        .map(NetlinkMessage::body)
        .filter(body -> !(body instanceof Body.Rejected) && !(body instanceof Body.Skipped))
        .count();
  }

  private static void assertRejected(String hex) {
    assertInstanceOf(Body.Rejected.class, body(bytes(hex)), hex);
  }

  private static Body body(byte[] bytes) {
    var messages = parse(bytes);
    assertEquals(1, messages.size());
    return messages.getFirst().body();
  }

  private static List<NetlinkMessage> parse(byte[] bytes) {
    return NetlinkMessage.parse(
        ByteBuffer.wrap(bytes).order(ByteOrder.LITTLE_ENDIAN), NetlinkProtocol.ROUTE);
  }

  private static byte[] bytes(String hex) {
    return HexFormat.of().parseHex(hex.replace(" ", ""));
  }
}
