package dev.virtualip.agent.vrrp;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertInstanceOf;
import static org.junit.jupiter.api.Assertions.assertNull;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import dev.virtualip.agent.vrrp.AdvertisementCodec.ChecksumForm;
import dev.virtualip.agent.vrrp.AdvertisementCodec.Expected;
import dev.virtualip.agent.vrrp.Decoded.Accepted;
import dev.virtualip.agent.vrrp.Decoded.Reason;
import dev.virtualip.agent.vrrp.Decoded.Rejected;
import dev.virtualip.agent.vrrp.Hmac.Mode;
import java.net.InetAddress;
import java.nio.charset.StandardCharsets;
import java.time.Instant;
import java.util.Arrays;
import java.util.HexFormat;
import java.util.List;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.EnumSource;

/**
 * Adverts with keepalived's HMAC trailer. The golden bytes are the test vectors of
 * draft-cassen-vrrp-auth-hmac-00: key 00 01 .. 1f with id 1, VRID 51, priority 200, interval 1 s.
 */
class HmacTrailerTest {
  private static final long SECOND = 1_000_000_000L;
  private static final long WINDOW = 5;
  private static final Instant THEN = Instant.ofEpochSecond(0x68000000L, 500_000_000);
  private static final HmacKey KEY = key(1, 0);
  private static final InetAddress US = ip("198.51.100.99");
  private static final String GOLDEN_IPV4 =
      "3133c80100644402c0000264" + "010100006800000080000000" + "1b84bc4e8e43892dc6d98448f8ee2265";
  private static final String GOLDEN_IPV6 =
      "3133c8010064a2e9fe800000000000000000000000000100"
          + "010100006800000080000000"
          + "c8c56146ebfd66ee10ec4d8186461b78";

  /** The two families of the golden bytes. */
  private enum Family {
    IPV4("198.51.100.10", "224.0.0.18", "192.0.2.100", GOLDEN_IPV4),
    IPV6("fe80::10", "fe80::20", "fe80::100", GOLDEN_IPV6);

    final InetAddress source;
    final InetAddress destination;
    final InetAddress vip;
    final byte[] golden;

    Family(String source, String destination, String vip, String golden) {
      this.source = ip(source);
      this.destination = ip(destination);
      this.vip = ip(vip);
      this.golden = HexFormat.of().parseHex(golden);
    }

    byte[] signed(Version version, int priority, int keyId, long sequence) {
      var advert = new Advertisement(version, 51, priority, SECOND, List.of(vip));
      var message =
          AdvertisementCodec.encode(advert, null, source, destination, ChecksumForm.MessageOnly);
      return HmacTrailer.append(message, key(keyId, keyId - 1), sequence, source, destination);
    }

    Decoded decode(byte[] bytes, Mode mode, Freshness freshness) {
      return decode(bytes, Version.V3, hmac(mode, KEY), freshness);
    }

    Decoded decode(byte[] bytes, Version version, Hmac hmac, Freshness freshness) {
      var expected = new Expected(version, SECOND, null, US, null, 255, hmac, freshness);
      return AdvertisementCodec.decode(new Datagram(source, destination, 255, bytes), expected);
    }
  }

  private static InetAddress ip(String text) {
    return InetAddress.ofLiteral(text);
  }

  /** A key of 32 bytes that count up from the first. */
  private static HmacKey key(int id, int first) {
    var bytes = new byte[HmacKey.MIN];
    for (int i = 0; i < bytes.length; i++) {
      bytes[i] = (byte) (first + i);
    }
    return new HmacKey(id, bytes);
  }

  private static Hmac hmac(Mode mode, HmacKey... keys) {
    return new Hmac(mode, KeyRing.untold(List.of(keys)));
  }

  private static Freshness fresh() {
    return Freshness.begin(THEN, WINDOW);
  }

  private static Reason reason(Decoded decoded) {
    return assertInstanceOf(Rejected.class, decoded).reason();
  }

  private static Accepted accepted(Decoded decoded) {
    return assertInstanceOf(Accepted.class, decoded);
  }

  @ParameterizedTest
  @EnumSource
  void case62_signedAdvertsAreTheBytesOfTheDraft(Family family) {
    var signed = family.signed(Version.V3, 200, 1, Freshness.sequence(THEN));
    assertEquals(HexFormat.of().formatHex(family.golden), HexFormat.of().formatHex(signed));
  }

  @ParameterizedTest
  @EnumSource
  void theBytesOfTheDraftAreAccepted(Family family) {
    var decoded = accepted(family.decode(family.golden, Mode.Enforce, fresh()));
    assertEquals(200, decoded.advertisement().priority());
    assertEquals(Freshness.sequence(THEN), decoded.sequence());
  }

  @ParameterizedTest
  @EnumSource
  void case62_anAlteredBitIsNoticedWhereverItIs(Family family) {
    for (int at = 0; at < family.golden.length; at++) {
      for (int bit = 0; bit < 8; bit++) {
        var altered = family.golden.clone();
        altered[at] ^= (byte) (1 << bit);
        for (var mode : Mode.values()) {
          reason(family.decode(altered, mode, fresh()));
        }
      }
    }
  }

  @ParameterizedTest
  @EnumSource
  void anAlteredAdvertWithAGoodChecksumIsNoticedByItsHmac(Family family) {
    var higher = family.signed(Version.V3, 201, 1, Freshness.sequence(THEN));
    var forged = Arrays.copyOf(higher, higher.length);
    System.arraycopy(family.golden, family.golden.length - 16, forged, forged.length - 16, 16);
    if (family == Family.IPV4) {
      assertEquals(Reason.HmacWrong, reason(family.decode(forged, Mode.Permissive, fresh())));
    } else {
      assertEquals(Reason.Checksum, reason(family.decode(forged, Mode.Permissive, fresh())));
    }
  }

  @Test
  void anAdvertOfAnotherSenderIsNotItsOwn() {
    var expected =
        new Expected(Version.V3, SECOND, null, US, null, 255, hmac(Mode.Enforce, KEY), fresh());
    var thief = new Datagram(ip("198.51.100.11"), ip("224.0.0.18"), 255, Family.IPV4.golden);
    assertEquals(Reason.HmacWrong, reason(AdvertisementCodec.decode(thief, expected)));
  }

  @Test
  void version2IsSignedAfterItsAuthenticationData() {
    var bytes = Family.IPV4.signed(Version.V2, 100, 1, Freshness.sequence(THEN));
    assertEquals(8 + 4 + Password.LENGTH + HmacTrailer.LENGTH, bytes.length);
    var hmac = hmac(Mode.Enforce, KEY);
    accepted(Family.IPV4.decode(bytes, Version.V2, hmac, fresh()));
  }

  @Test
  void unsignedAdvertsAreBelievedUntilTheModeIsEnforce() {
    var signed = Family.IPV4.golden;
    var unsigned = Arrays.copyOf(signed, signed.length - HmacTrailer.LENGTH);
    assertNull(accepted(Family.IPV4.decode(unsigned, Mode.ReceiveOnly, fresh())).sequence());
    assertNull(accepted(Family.IPV4.decode(unsigned, Mode.Permissive, fresh())).sequence());
    assertEquals(Reason.HmacMissing, reason(Family.IPV4.decode(unsigned, Mode.Enforce, fresh())));
    assertFalse(hmac(Mode.ReceiveOnly, KEY).signs());
  }

  @Test
  void aRouterWithoutHmacDropsSignedAdverts() {
    var decoded = Family.IPV4.decode(Family.IPV4.golden, Version.V3, null, null);
    assertEquals(Reason.Length, reason(decoded));
  }

  @Test
  void onlyKnownKeysAreAccepted() {
    var other = Family.IPV4.signed(Version.V3, 200, 2, Freshness.sequence(THEN));
    assertEquals(Reason.HmacUnknownKey, reason(Family.IPV4.decode(other, Mode.Enforce, fresh())));
    var both = hmac(Mode.Enforce, KEY, key(2, 1));
    accepted(Family.IPV4.decode(other, Version.V3, both, fresh()));
  }

  @Test
  void anAdvertCountsOnce() {
    var freshness = fresh();
    var first = accepted(Family.IPV4.decode(Family.IPV4.golden, Mode.Enforce, freshness));
    var after = freshness.after(Family.IPV4.source, first.sequence());
    assertEquals(
        Reason.HmacReplayed, reason(Family.IPV4.decode(Family.IPV4.golden, Mode.Enforce, after)));
    var next = Family.IPV4.signed(Version.V3, 200, 1, first.sequence() + 1);
    accepted(Family.IPV4.decode(next, Mode.Enforce, after));
  }

  @Test
  void advertsAreOfNow() {
    for (int seconds : new int[] {-6, 6}) {
      var later = fresh().at(THEN.plusSeconds(seconds), WINDOW);
      assertEquals(
          Reason.HmacStale, reason(Family.IPV4.decode(Family.IPV4.golden, Mode.Enforce, later)));
    }
    for (int seconds : new int[] {-5, 5}) {
      var later = fresh().at(THEN.plusSeconds(seconds), WINDOW);
      accepted(Family.IPV4.decode(Family.IPV4.golden, Mode.Enforce, later));
    }
  }

  @Test
  void case64_aResignationFromBeforeTheStartOfTheAgentIsNotBelieved() {
    var restarted = Freshness.begin(THEN.plusSeconds(2), WINDOW);
    var old = Family.IPV4.signed(Version.V3, 0, 1, Freshness.sequence(THEN));
    assertEquals(Reason.HmacReplayed, reason(Family.IPV4.decode(old, Mode.Enforce, restarted)));
    accepted(Family.IPV4.decode(Family.IPV4.golden, Mode.Enforce, restarted));
  }

  /** A node that boots with a clock ahead of time has it put right while the agent runs. */
  @Test
  void whoBeganWithAClockAheadBelievesResignationsOnceItIsRight() {
    var ahead = Freshness.begin(THEN.plusSeconds(7_200), WINDOW).at(THEN, WINDOW);
    var resignation = Family.IPV4.signed(Version.V3, 0, 1, Freshness.sequence(THEN));
    accepted(Family.IPV4.decode(resignation, Mode.Enforce, ahead));
  }

  /** Both the time before and the one after are near enough to be believed. */
  @Test
  void aSenderWhoseClockIsPutBackWithinWhatIsBelievedGoesOnToGrow() {
    long before = Freshness.sequence(THEN.plusSeconds(4));
    var freshness = fresh().after(Family.IPV4.source, before);
    long next = Freshness.next(before, THEN.minusSeconds(2), WINDOW);
    accepted(
        Family.IPV4.decode(Family.IPV4.signed(Version.V3, 200, 1, next), Mode.Enforce, freshness));
  }

  @Test
  void aSenderWhoseClockHasBeenPutBackIsHeardAgain() {
    long future = Freshness.sequence(THEN.plusSeconds(3600));
    var freshness = fresh().after(Family.IPV4.source, future);
    accepted(Family.IPV4.decode(Family.IPV4.golden, Mode.Enforce, freshness));
    assertEquals(Freshness.sequence(THEN), Freshness.next(future, THEN, WINDOW));
  }

  @Test
  void sequencesGrowAlsoWhileTheClockStands() {
    long first = Freshness.next(0, THEN, WINDOW);
    assertEquals(Freshness.sequence(THEN), first);
    assertEquals(first + 1, Freshness.next(first, THEN, WINDOW));
    assertEquals(first + 1, Freshness.next(first, THEN.minusSeconds(1), WINDOW));
  }

  @Test
  void onlySomeSendersAreRemembered() {
    var freshness = fresh();
    for (int i = 0; i < 300; i++) {
      freshness = freshness.after(ip("10.0.%d.%d".formatted(i / 200, i % 200)), i);
    }
    assertEquals(Freshness.SENDERS_MAX, freshness.marks().size());
  }

  @Test
  void keysAreReadFromLinesOldestFirst() {
    var one = "00".repeat(32);
    var two = "ff".repeat(64);
    var keys = Hmac.parse(ascii("1 " + one + "\n\n 2  " + two + "\n"));
    assertEquals(List.of(1, 2), keys.stream().map(HmacKey::id).toList());
    assertFalse(keys.toString().contains("ffff"), "a key is not told");
  }

  @Test
  void aKeyIsNamedByItsIdAndByWhatItIs() {
    assertTrue(KEY.name().matches("1-[0-9a-f]{8}"), KEY.name());
    assertEquals(KEY.name(), key(1, 0).name());
    assertFalse(KEY.name().equals(key(1, 1).name()));
  }

  /** After a change of its bytes a key is accepted in both forms for a while. */
  @Test
  void twoKeysMayHaveOneId() {
    var signed = Family.IPV4.golden;
    var ring = KeyRing.untold(List.of(KEY)).read(List.of(key(1, 5)));
    accepted(Family.IPV4.decode(signed, Version.V3, new Hmac(Mode.Enforce, ring), fresh()));
    var other = hmac(Mode.Enforce, key(1, 5));
    assertEquals(Reason.HmacWrong, reason(Family.IPV4.decode(signed, Version.V3, other, fresh())));
  }

  @Test
  void badKeysAreRefusedWithoutTellingThem() {
    var key = "c0ffee".repeat(12);
    for (var bad :
        List.of(
            "",
            "1",
            "0 " + key,
            "256 " + key,
            "1 c0ffee",
            "c0ffee 1",
            "1 " + key + "x",
            key,
            "1 " + key + "\n1 " + key,
            "1 " + key + key)) {
      var refused = assertThrows(IllegalArgumentException.class, () -> Hmac.parse(ascii(bad)), bad);
      assertFalse(refused.getMessage().contains("c0ffee"), refused.getMessage());
    }
  }

  /** Whoever writes a VirtualIP may name any Secret, and reads its status. */
  @Test
  void numbersOfAForeignSecretAreNotTold() {
    for (var foreign : List.of("471199 12345678", "17 12345678")) {
      var refused =
          assertThrows(IllegalArgumentException.class, () -> Hmac.parse(ascii(foreign)), foreign);
      assertFalse(refused.getMessage().matches(".*(471199|17|1234).*"), refused.getMessage());
    }
  }

  private static byte[] ascii(String text) {
    return text.getBytes(StandardCharsets.US_ASCII);
  }
}
