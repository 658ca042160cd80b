package dev.virtualip.agent.linux;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.net.AddressPort.Change;
import dev.virtualip.agent.net.AddressPort.InstalledRoute;
import dev.virtualip.agent.net.Link;
import dev.virtualip.crds.values.IpPrefix;
import dev.virtualip.crds.values.PolicyRule;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.util.HexFormat;
import java.util.List;
import java.util.function.Consumer;
import org.junit.jupiter.api.Test;

/**
 * Expected bytes are derived by hand from linux/rtnetlink.h and linux/fib_rules.h, for a
 * little-endian machine.
 */
class NetlinkRequestsTest {
  private static final InetAddress GATEWAY = IpPrefix.parseAddress("203.0.113.1");
  private static final IpPrefix DEFAULT = IpPrefix.parse("0.0.0.0/0");

  @Test
  void anAddressIsPutWithItsLeaseAndMark() {
    var change = new Change.PutAddress(3, IpPrefix.parse("203.0.113.10/24"), 3);
    assertWritten(
        // length 68, RTM_NEWADDR, REQUEST|ACK|REPLACE|CREATE, sequence 77
        "44000000 1400 0505 4d000000 00000000"
            // AF_INET /24, scope universe, link 3
            + "02 18 00 00 03000000"
            // IFA_LOCAL, IFA_ADDRESS
            + "0800 0200 cb00710a 0800 0100 cb00710a"
            // IFA_CACHEINFO: preferred, valid
            + "1400 0600 03000000 03000000 00000000 00000000"
            // IFA_PROTO 112
            + "0500 0b00 70 000000",
        out -> out.change(77, change, true));
  }

  @Test
  void onlyTheLastOfManyIsAcknowledged() {
    var one = new Change.DeleteAddress(3, IpPrefix.parse("203.0.113.10/24"));
    var written =
        write(
            out -> {
              out.change(77, one, true);
              out.change(78, new Change.PutAddress(3, IpPrefix.parse("2001:db8::1/64"), 3), true);
              out.change(79, one, true);
              out.acknowledgeLast();
            });
    // REQUEST; REQUEST|REPLACE|CREATE; REQUEST|ACK
    for (var header : List.of("1500 0100 4d000000", "1400 0105 4e000000", "1500 0500 4f000000")) {
      assertTrue(written.contains(header.replace(" ", "")), written);
    }
  }

  @Test
  void aSysctlOfALinkIsSetByItsNumber() {
    assertWritten(
        // length 52, RTM_SETLINK, REQUEST|ACK; struct ifinfomsg: link 3
        "34000000 1300 0500 4d000000 00000000"
            + "00 00 0000 03000000 00000000 00000000"
            // IFLA_AF_SPEC, AF_INET, IFLA_INET_CONF, IPV4_DEVCONF_PROMOTE_SECONDARIES 1
            + "1400 1a00 1000 0200 0c00 0100 0800 1400 01000000",
        out -> out.setInet(77, 3, Rtnetlink.IPV4_DEVCONF_PROMOTE_SECONDARIES, 1));
  }

  @Test
  void aVirtualMacsInterfaceIsAMacvlanWithOurMark() {
    var mac = Link.HardwareAddress.ofVirtualRouter(77, false);
    assertWritten(
        // length 112, RTM_NEWLINK, REQUEST|ACK|EXCL|CREATE
        "70000000 1000 0506 4d000000 00000000"
            + "00 00 0000 00000000 00000000 00000000"
            // IFLA_IFNAME, IFLA_ADDRESS
            + "0e00 0300 766970342d322d373700 0000 0a00 0100 00005e00014d 0000"
            // IFLA_LINK 2, IFLA_GROUP 112, IFLA_MASTER 9
            + "0800 0500 02000000 0800 1b00 70000000 0800 0a00 09000000"
            // IFLA_LINKINFO: IFLA_INFO_KIND, IFLA_INFO_DATA: IFLA_MACVLAN_MODE bridge
            + "1c00 1200 0c00 0100 6d6163766c616e00 0c00 0200 0800 0100 04000000",
        out -> out.newMacvlan(77, new Change.PutVirtualLink(2, "vip4-2-77", mac), 9));
  }

  @Test
  void theRouteOfAnAddressOnItComesAfterAllOthers() {
    var put = new Change.PutAddress(3, IpPrefix.parse("203.0.113.10/24"), 3);
    var written = write(out -> out.putAddress(77, put, true));
    // IFA_RT_PRIORITY 30000
    assertTrue(written.contains("0800" + "0900" + "30750000"), written);
  }

  @Test
  void anAddressWithoutLeaseLivesForEver() {
    var change = new Change.PutAddress(3, IpPrefix.parse("203.0.113.10/32"), 0);
    var written = write(out -> out.change(1, change, true));
    assertEquals("ffffffffffffffff", written.substring(2 * 44, 2 * 52));
  }

  @Test
  void anIpv6AddressIsPutWithoutDetectionAndDeprecatedIfItStandsAlone() {
    var address = "20010db8000000000000000000000010";
    var change = new Change.PutAddress(3, IpPrefix.parse("2001:db8::10/128"), 3);
    assertWritten(
        "64000000 1400 0505 01000000 00000000"
            + "0a 80 00 00 03000000"
            + ("1400 0200" + address + "1400 0100" + address)
            // IFA_CACHEINFO: preferred 0, valid 3
            + "1400 0600 00000000 03000000 00000000 00000000"
            // IFA_FLAGS: IFA_F_NODAD
            + "0800 0800 02000000"
            + "0500 0b00 70 000000",
        out -> out.change(1, change, true));
  }

  @Test
  void anIpv6RouteHasALeaseAndAnIpv4RouteHasNot() {
    var gateway = InetAddress.ofLiteral("fe80::1");
    var six = new InstalledRoute(3, IpPrefix.parse("::/0"), gateway, null, 254, 1024, false);
    assertWritten(
        "48000000 1800 0506 01000000 00000000"
            + "0a 00 00 00 fe 70 00 01 00000000"
            + "0800 0400 03000000 1400 0500 fe800000000000000000000000000001"
            // RTA_PRIORITY 1024, RTA_EXPIRES 4
            + "0800 0600 00040000 0800 1700 04000000",
        out -> out.change(1, new Change.PutRoute(six, 4), false));
    var four = new InstalledRoute(3, DEFAULT, GATEWAY, null, 254, 0, false);
    assertEquals(
        write(out -> out.change(1, new Change.PutRoute(four), true)),
        write(out -> out.change(1, new Change.PutRoute(four, 4), true)));
  }

  @Test
  void anAddressIsDeletedByItsPrefix() {
    var change = new Change.DeleteAddress(3, IpPrefix.parse("203.0.113.10/24"));
    assertWritten(
        "28000000 1500 0500 01000000 00000000"
            + "02 18 00 00 03000000"
            + "0800 0200 cb00710a 0800 0100 cb00710a",
        out -> out.change(1, change, true));
  }

  @Test
  void aDefaultRouteNamesLinkAndGateway() {
    var route = new InstalledRoute(3, DEFAULT, GATEWAY, null, 254, 0, false);
    assertWritten(
        "2c000000 1800 050c 01000000 00000000"
            // AF_INET /0, table main, protocol 112, scope universe, unicast
            + "02 00 00 00 fe 70 00 01 00000000"
            + "0800 0400 03000000 0800 0500 cb007101",
        out -> out.change(1, new Change.PutRoute(route), true));
  }

  @Test
  void aRouteCarriesEverythingItWasGiven() {
    var source = IpPrefix.parseAddress("203.0.113.10");
    var to = IpPrefix.parse("10.0.0.0/8");
    var route = new InstalledRoute(3, to, GATEWAY, source, 4_294_967_295L, 4_294_967_294L, true);
    assertWritten(
        "4c000000 1800 050c 01000000 00000000"
            // RTNH_F_ONLINK; the table does not fit its byte
            + "02 08 00 00 00 70 00 01 04000000"
            + "0800 0100 0a000000 0800 0400 03000000 0800 0500 cb007101"
            + "0800 0600 feffffff 0800 0700 cb00710a 0800 0f00 ffffffff",
        out -> out.change(1, new Change.PutRoute(route), true));
  }

  @Test
  void aRouteWithoutGatewayHasScopeLink() {
    var route = new InstalledRoute(3, IpPrefix.parse("10.0.0.0/8"), null, null, 255, 0, false);
    assertWritten(
        "2c000000 1800 050c 01000000 00000000"
            + "02 08 00 00 ff 70 fd 01 00000000"
            + "0800 0100 0a000000 0800 0400 03000000",
        out -> out.change(1, new Change.PutRoute(route), true));
  }

  @Test
  void aRouteIsDeletedInAnyScopeButOnlyWithOurMark() {
    var route = new InstalledRoute(3, DEFAULT, GATEWAY, null, 254, 0, false);
    assertWritten(
        "2c000000 1900 0500 01000000 00000000"
            + "02 00 00 00 fe 70 ff 01 00000000"
            + "0800 0400 03000000 0800 0500 cb007101",
        out -> out.change(1, new Change.DeleteRoute(route), true));
  }

  @Test
  void aRuleIsAddedWithOurMarkWhateverElseIsThere() {
    var rule = new PolicyRule(IpPrefix.parse("203.0.113.10/32"), null, 100, 1000);
    assertWritten(
        // RTM_NEWRULE, REQUEST|ACK|CREATE: no EXCL, see Netlink.withoutVainRules
        "34000000 2000 0504 01000000 00000000"
            // AF_INET, to /0, from /32, table 100, FR_ACT_TO_TBL
            + "02 00 20 00 64 00 00 01 00000000"
            // FRA_SRC, FRA_PRIORITY 1000, FRA_PROTOCOL 112
            + "0800 0200 cb00710a 0800 0600 e8030000 0500 1500 70 000000",
        out -> out.change(1, new Change.PutRule(rule), false));
  }

  @Test
  void aRuleIsDeletedByAllItsPartsAndOnlyWithOurMark() {
    var from = IpPrefix.parse("2001:db8::10/128");
    var to = IpPrefix.parse("2001:db8:2::/48");
    assertWritten(
        "5c000000 2100 0500 01000000 00000000"
            // AF_INET6, to /48, from /128; the table does not fit its byte
            + "0a 30 80 00 00 00 00 01 00000000"
            + "1400 0100 20010db8000200000000000000000000"
            + "1400 0200 20010db8000000000000000000000010"
            // FRA_PRIORITY 32765, FRA_TABLE 4294967295, FRA_PROTOCOL 112
            + "0800 0600 fd7f0000 0800 0f00 ffffffff 0500 1500 70 000000",
        out ->
            out.change(
                1, new Change.DeleteRule(new PolicyRule(from, to, 4_294_967_295L, 32_765)), true));
  }

  @Test
  void dumpsAskForWhatWeRead() {
    assertWritten(
        "28000000 1200 0103 05000000 00000000"
            + "00000000 00000000 00000000 00000000 0800 1d00 08000000",
        out -> out.dumpLinks(5));
    assertWritten(
        "18000000 1600 0103 05000000 00000000 02000000 00000000", out -> out.dumpAddresses(5, 2));
    assertWritten(
        "1c000000 1a00 0103 05000000 00000000 02000000 00700000 00000000",
        out -> out.dumpRoutes(5, 2, 112));
    assertWritten(
        "18000000 1600 0103 05000000 00000000 0a000000 00000000", out -> out.dumpAddresses(5, 10));
    assertWritten(
        "1c000000 1a00 0103 05000000 00000000 0a000000 00700000 00000000",
        out -> out.dumpRoutes(5, 10, 112));
    assertWritten(
        "1c000000 2200 0103 05000000 00000000 00000000 00000000 00000000", out -> out.dumpRules(5));
  }

  @Test
  void theLongestChangeFitsTheRoomItIsGiven() {
    var ip = InetAddress.ofLiteral("2001:db8::1");
    var route = new InstalledRoute(1, new IpPrefix(ip, 64), ip, ip, 1000, 1, true);
    var written = write(out -> out.change(1, new Change.PutRoute(route, 3), true));
    assertEquals(NetlinkRequests.CHANGE_BYTES_MAX, written.length() / 2);
    assertTrue(written.substring(32).startsWith("0a40"), "AF_INET6, /64");
  }

  private static void assertWritten(String expected, Consumer<NetlinkRequests> writer) {
    assertEquals(expected.replace(" ", ""), write(writer));
  }

  private static String write(Consumer<NetlinkRequests> writer) {
    var out = ByteBuffer.allocate(256).order(ByteOrder.LITTLE_ENDIAN);
    writer.accept(new NetlinkRequests(out));
    return HexFormat.of().formatHex(out.array(), 0, out.position());
  }
}
