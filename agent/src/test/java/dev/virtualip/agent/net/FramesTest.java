package dev.virtualip.agent.net;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.net.Frames.ArpForm;
import dev.virtualip.agent.net.Link.HardwareAddress;
import dev.virtualip.agent.vrrp.Checksum;
import java.net.Inet6Address;
import java.net.InetAddress;
import java.nio.ByteBuffer;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import java.util.Random;
import org.junit.jupiter.api.Test;

/** Frames as keepalived 2.2.7 sends them; case numbers are those of docs/protocol-cases.md. */
class FramesTest {
  private static final HexFormat HEX = HexFormat.of();
  private static final HardwareAddress MAC = new HardwareAddress(HEX.parseHex("02000000000a"));
  private static final InetAddress SOURCE = InetAddress.ofLiteral("10.9.0.1");
  private static final byte[] V2_MESSAGE =
      HEX.parseHex("213350020101a8190a0900640a0900653132333435363738");
  private static final byte[] FRAME = Frames.advertisement(MAC, SOURCE, 1, V2_MESSAGE);

  @Test
  void case7_theIpHeaderIsKeepalivedsByteForByte() {
    assertEquals(
        "01005e000012" + "02000000000a" + "0800" + "45c0002c00010000ff70d0840a090001e0000012",
        HEX.formatHex(FRAME, 0, 34));
  }

  @Test
  void case9_gratuitousArpIsKeepalivedsByteForByte() {
    assertEquals(
        "ffffffffffff02000000000a0806000108000604000102000000000a0a090064ffffffffffff0a090064",
        HEX.formatHex(
            Frames.gratuitousArp(MAC, InetAddress.ofLiteral("10.9.0.100"), ArpForm.Request)));
  }

  @Test
  void case7_theIpv6HeaderIsThatOfRfc9568() {
    var frame = Frames.advertisement(MAC, InetAddress.ofLiteral("fe80::ff:fe00:a"), 1, V2_MESSAGE);
    assertEquals(
        "333300000012"
            + "02000000000a"
            + "86dd"
            // version, class c0, flow label; payload length, next header 112, hop limit 255
            + ("6c000000" + "0018" + "70" + "ff")
            + "fe80000000000000000000fffe00000a"
            + "ff020000000000000000000000000012",
        HEX.formatHex(frame, 0, 54));
    var datagram = Frames.vrrp(frame).orElseThrow();
    assertEquals(InetAddress.ofLiteral("fe80::ff:fe00:a"), datagram.source());
    assertEquals(Frames.GROUP6, datagram.destination());
    assertEquals(255, datagram.ttl());
    assertArrayEquals(V2_MESSAGE, datagram.payload());
    assertArrayEquals(
        V2_MESSAGE, Frames.vrrp(Arrays.copyOf(frame, 100)).orElseThrow().payload(), "padding");
    frame[20] = 0;
    assertTrue(Frames.vrrp(frame).isEmpty(), "hop-by-hop header");
    frame[20] = 112;
    frame[19] = 25;
    assertTrue(Frames.vrrp(frame).isEmpty(), "longer than the frame");
  }

  @Test
  void anIpv4MappedSourceStaysIpv6() throws Exception {
    var frame = Frames.advertisement(MAC, InetAddress.ofLiteral("fe80::1"), 1, V2_MESSAGE);
    System.arraycopy(HEX.parseHex("00000000000000000000ffff0a090001"), 0, frame, 22, 16);
    assertInstanceOf(Inet6Address.class, Frames.vrrp(frame).orElseThrow().source());
  }

  @Test
  void case5_aUnicastPacketHasTheSameHeaderButForTheDestination() {
    var packet = Frames.packet(SOURCE, InetAddress.ofLiteral("10.9.0.9"), 1, V2_MESSAGE);
    assertEquals("45c0002c00010000ff70a6850a0900010a090009", HEX.formatHex(packet, 0, 20));
    assertEquals(44, packet.length);
  }

  @Test
  void case10_aNeighbourAdvertisementIsKeepalivedsByteForByte() {
    var address = InetAddress.ofLiteral("fe80::61");
    var host = Frames.neighbourAdvertisement(MAC, address, false);
    assertEquals(
        "333300000001"
            + "02000000000a"
            + "86dd"
            + "60000000"
            + "0020"
            + "3a"
            + "ff"
            + "fe800000000000000000000000000061"
            + "ff020000000000000000000000000001"
            + "880056d220000000fe8000000000000000000000000000610201"
            + "02000000000a",
        HEX.formatHex(host));
    var router = Frames.neighbourAdvertisement(MAC, address, true);
    assertEquals("a0", HEX.formatHex(router, 58, 59));
  }

  @Test
  void theReplyFormDiffersInTheOperationOnly() {
    var address = InetAddress.ofLiteral("10.9.0.100");
    var request = Frames.gratuitousArp(MAC, address, ArpForm.Request);
    var reply = Frames.gratuitousArp(MAC, address, ArpForm.Reply);
    assertEquals(2, reply[21]);
    reply[21] = 1;
    assertArrayEquals(request, reply);
  }

  @Test
  void whatIsSentIsReceived() {
    var datagram = Frames.vrrp(FRAME).orElseThrow();
    assertEquals(SOURCE, datagram.source());
    assertEquals(Frames.GROUP, datagram.destination());
    assertEquals(255, datagram.ttl());
    assertArrayEquals(V2_MESSAGE, datagram.payload());
  }

  @Test
  void case18_ipOptionsDfAndClassDoNotMatter() {
    var header = HEX.parseHex("46000030000140003f700000" + "0a090001" + "e0000012" + "94040000");
    int sum = Checksum.of(header);
    header[10] = (byte) (sum >> 8);
    header[11] = (byte) sum;
    var frame = ByteBuffer.allocate(14 + 24 + V2_MESSAGE.length);
    frame.put(FRAME, 0, 14).put(header).put(V2_MESSAGE);
    var datagram = Frames.vrrp(frame.array()).orElseThrow();
    assertArrayEquals(V2_MESSAGE, datagram.payload());
    assertEquals(63, datagram.ttl(), "for the decoder to judge");
  }

  @Test
  void case20_ethernetPaddingIsCutOff() {
    var padded = Arrays.copyOf(FRAME, FRAME.length + 18);
    assertArrayEquals(V2_MESSAGE, Frames.vrrp(padded).orElseThrow().payload());
  }

  @Test
  void case61_aPriorityTagDoesNotMatter() {
    for (var tag : new String[] {"8100c000", "81000000", "88a8e000"}) {
      assertArrayEquals(FRAME, Frames.untagged(tagged(tag)).orElseThrow(), tag);
    }
    assertArrayEquals(FRAME, Frames.untagged(FRAME).orElseThrow(), "no tag");
  }

  @Test
  void case61_aFrameOfAVlanIsForTheNicOfThatVlan() {
    for (var tag : new String[] {"81000035", "8100c001", "88a80fff"}) {
      assertTrue(Frames.untagged(tagged(tag)).isEmpty(), tag);
    }
  }

  @Test
  void case61_aFrameThatEndsInItsTagHasNone() {
    for (int length = 0; length < 18; length++) {
      var cutOff = Arrays.copyOf(tagged("8100c000"), length);
      assertArrayEquals(cutOff, Frames.untagged(cutOff).orElseThrow(), length + " bytes");
    }
  }

  @Test
  void aPacketOfATunnelIsReadAsIfItHadComeInOnEthernet() {
    var destination = InetAddress.ofLiteral("10.9.0.9");
    var packet = Frames.packet(SOURCE, destination, 1, V2_MESSAGE);
    var cooked = ByteBuffer.allocate(16 + packet.length).put(16, packet).array();
    for (var frame : List.of(Frames.onEthernet(packet, 0), Frames.onEthernet(cooked, 16))) {
      var datagram = Frames.vrrp(frame).orElseThrow();
      assertEquals(SOURCE, datagram.source());
      assertEquals(destination, datagram.destination());
      assertArrayEquals(V2_MESSAGE, datagram.payload());
    }
    var ipv6 = InetAddress.ofLiteral("2001:db8::a");
    var packet6 = Frames.packet(ipv6, InetAddress.ofLiteral("2001:db8::b"), 1, V2_MESSAGE);
    assertEquals(ipv6, Frames.vrrp(Frames.onEthernet(packet6, 0)).orElseThrow().source());
    assertTrue(Frames.vrrp(Frames.onEthernet(new byte[0], 0)).isEmpty(), "nothing");
  }

  private static byte[] tagged(String tag) {
    return HEX.parseHex(HEX.formatHex(FRAME, 0, 12) + tag + HEX.formatHex(FRAME, 12, FRAME.length));
  }

  @Test
  void anArpProbeClaimsNoAddress() {
    var frame = Frames.arpProbe(MAC, InetAddress.ofLiteral("10.9.0.100"));
    assertEquals(
        "ffffffffffff02000000000a0806000108000604000102000000000a000000000000000000000a090064",
        HEX.formatHex(frame));
    assertTrue(Frames.claim(frame).isEmpty());
  }

  @Test
  void anIpv6ProbeIsTheFirstQuestionOfDuplicateAddressDetection() {
    var frame = Frames.neighbourSolicitation(MAC, InetAddress.ofLiteral("2001:db8::12:3456"));
    assertEquals(
        "3333ff123456"
            + "02000000000a"
            + "86dd"
            // payload length, next header 58, hop limit 255
            + ("60000000" + "0018" + "3a" + "ff")
            + "00000000000000000000000000000000"
            + "ff0200000000000000000001ff123456"
            + "8700",
        HEX.formatHex(frame, 0, 56));
    assertEquals("0000000020010db8000000000000000000123456", HEX.formatHex(frame, 58, 78));
    var source = Arrays.copyOfRange(frame, 22, 38);
    var destination = Arrays.copyOfRange(frame, 38, 54);
    assertEquals(0, Checksum.of(Arrays.copyOfRange(frame, 54, 78), source, destination, 58));
    assertTrue(Frames.claim(frame).isEmpty());
  }

  @Test
  void whoAnswersSaysWhereAnAddressIs() {
    for (var address : List.of("10.9.0.100", "2001:db8::10")) {
      var claimed = InetAddress.ofLiteral(address);
      var frame =
          address.contains(":")
              ? Frames.neighbourAdvertisement(MAC, claimed, false)
              : Frames.gratuitousArp(MAC, claimed, ArpForm.Reply);
      var padded = Arrays.copyOf(frame, 100);
      assertEquals(new Frames.Claim(claimed, MAC), Frames.claim(padded).orElseThrow());
      assertTrue(Frames.claim(Arrays.copyOf(frame, 41)).isEmpty(), "cut off");
    }
    assertTrue(Frames.claim(FRAME).isEmpty(), "an advert");
    var damaged = Frames.neighbourAdvertisement(MAC, InetAddress.ofLiteral("2001:db8::10"), false);
    damaged[70] ^= 1;
    assertTrue(Frames.claim(damaged).isEmpty(), "a wrong checksum");
  }

  @Test
  void randomAnswersThrowNothing() {
    var random = new Random(21);
    var answers =
        List.of(
            Frames.gratuitousArp(MAC, SOURCE, ArpForm.Reply),
            Frames.neighbourAdvertisement(MAC, InetAddress.ofLiteral("2001:db8::10"), false));
    for (int i = 0; i < 100_000; i++) {
      var frame = answers.get(i % 2);
      var bytes = Arrays.copyOf(frame, random.nextInt(frame.length + 1));
      for (int flips = random.nextInt(4); flips > 0 && bytes.length > 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      Frames.claim(bytes);
    }
  }

  @Test
  void case59_fragmentsShortHeadersAndOtherProtocolsAreNotVrrp() {
    assertTrue(Frames.vrrp(with(20, 0x20)).isEmpty(), "more fragments");
    assertTrue(Frames.vrrp(with(21, 0x01)).isEmpty(), "fragment offset");
    assertTrue(Frames.vrrp(with(14, 0x44)).isEmpty(), "header of 16 bytes");
    assertTrue(Frames.vrrp(with(14, 0x4F)).isEmpty(), "header beyond its checksum");
    assertTrue(Frames.vrrp(with(23, 17)).isEmpty(), "UDP");
    assertTrue(Frames.vrrp(with(24, 0xAA)).isEmpty(), "wrong header checksum");
    assertTrue(Frames.vrrp(with(17, 0xFF)).isEmpty(), "longer than the frame");
    assertTrue(Frames.vrrp(Arrays.copyOf(FRAME, 33)).isEmpty(), "cut off");
  }

  @Test
  void case59_randomFramesThrowNothing() {
    var random = new Random(59);
    for (int i = 0; i < 200_000; i++) {
      var bytes = Arrays.copyOf(FRAME, random.nextInt(FRAME.length + 1));
      for (int flips = random.nextInt(4); flips > 0 && bytes.length > 0; flips--) {
        bytes[random.nextInt(bytes.length)] = (byte) random.nextInt(256);
      }
      Frames.untagged(bytes).flatMap(Frames::vrrp);
      if (bytes.length > 14) {
        bytes[12] = (byte) 0x86;
        bytes[13] = (byte) 0xDD;
        bytes[14] = 0x60;
        Frames.vrrp(bytes);
      }
    }
  }

  private static byte[] with(int at, int value) {
    var frame = FRAME.clone();
    frame[at] = (byte) value;
    return frame;
  }
}
