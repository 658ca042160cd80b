package dev.virtualip.agent.bfd;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;

import dev.virtualip.agent.bfd.ControlPacket.Decoded;
import dev.virtualip.agent.bfd.ControlPacket.Decoded.Accepted;
import dev.virtualip.agent.bfd.ControlPacket.Decoded.Rejected;
import java.util.HexFormat;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.EnumSource;

/** RFC 5880 4.1, and what of 6.8.6 needs no session. */
class ControlPacketTest {
  private static final String UP = "20e0031800000001000000020000c3500000c35000000000";

  private static final ControlPacket PACKET =
      new ControlPacket(0, SessionState.Up, true, false, false, 3, 1, 2, 50_000_000L, 50_000_000L);

  private static Decoded decode(String hex) {
    return ControlPacket.decode(HexFormat.of().parseHex(hex));
  }

  @Test
  void theBytesAreThoseOfTheRfc() {
    assertEquals(UP, HexFormat.of().formatHex(PACKET.encode()));
    assertEquals(new Accepted(PACKET), decode(UP));
  }

  @ParameterizedTest
  @EnumSource
  void eachStateSurvivesTheWire(SessionState state) {
    for (int flags = 0; flags < 8; flags++) {
      var packet =
          new ControlPacket(
              31,
              state,
              (flags & 1) != 0,
              (flags & 2) != 0,
              (flags & 4) != 0,
              255,
              -1,
              Integer.MIN_VALUE,
              4_294_967_295_000L,
              0);
      assertEquals(new Accepted(packet), ControlPacket.decode(packet.encode()));
    }
  }

  /** What follows the packet in its datagram is not read. */
  @Test
  void aLongerDatagramIsAccepted() {
    assertInstanceOf(Accepted.class, decode(UP + "0000"));
  }

  @ParameterizedTest
  @CsvSource({
    "Length, ''",
    "Length, 20c0031800000001000000020000c3500000c350000000",
    "Length, 20c0031700000001000000020000c3500000c35000000000",
    "Length, 20c0031900000001000000020000c3500000c35000000000",
    "Version, 00c0031800000001000000020000c3500000c35000000000",
    "Version, 40c0031800000001000000020000c3500000c35000000000",
    "Authenticated, 20c4031a00000001000000020000c3500000c350000000000102",
    "BadField, 20c1031800000001000000020000c3500000c35000000000",
    "BadField, 20c0001800000001000000020000c3500000c35000000000",
    "BadField, 20c0031800000000000000020000c3500000c35000000000",
    "BadField, 20c0031800000001000000000000c3500000c35000000000",
    "BadField, 2080031800000001000000000000c3500000c35000000000"
  })
  void whatIsNoPacketIsDropped(ControlPacket.Reason reason, String hex) {
    assertEquals(new Rejected(reason), decode(hex));
  }

  @Test
  void whoBeginsKnowsNoDiscriminator() {
    assertInstanceOf(Accepted.class, decode("2040031800000001000000000000c3500000c35000000000"));
    assertInstanceOf(Accepted.class, decode("2000031800000001000000000000c3500000c35000000000"));
  }
}
